/** Who is signed in: the session as the server knows it, and the ways in and out. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, callApi } from "@/lib/api";

export interface Session {
  user: { email: string };
  role: "viewer" | "agent" | "manager" | "operator" | "admin";
  project: { id: string; name: string };
  csrf_token: string;
}

export type Credentials = { email: string; password: string } | { ticket: string };

const RETRY_MS = 2_000;

/** The session, or null when nobody is signed in. Asks again while the server does not answer. */
const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async (): Promise<Session | null> => {
    try {
      return await callApi<Session>("/v1/auth/me");
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
  refetchInterval: (query) => (query.state.status === "error" ? RETRY_MS : false),
});

export function useSession() {
  return useQuery(sessionQuery);
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (credentials: Credentials) =>
      callApi<Session>("/v1/auth/login", { method: "POST", body: credentials }),
    onSuccess: (session) => client.setQueryData(sessionQuery.queryKey, session),
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (session: Session) =>
      callApi<void>("/v1/auth/logout", { method: "POST", csrfToken: session.csrf_token }),
    // Whatever the server said, the person asked to leave: the page forgets what it knew.
    onSettled: () => client.setQueryData(sessionQuery.queryKey, null),
  });
}
