/** Calls to the REST API: JSON in, JSON out, problems as errors with words for people. */

/** An answer that is not a success (RFC 9457), or none at all (`status` 0). */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Call {
  method?: "GET" | "POST";
  body?: unknown;
  /** Needed for every write with a session cookie. */
  csrfToken?: string;
}

const TIMEOUT_MS = 15_000;

/**
 * Calls `path` and returns the parsed body, undefined where there is none.
 *
 * @throws ApiError when the server refuses or cannot be reached
 */
export async function callApi<T>(path: string, { method = "GET", body, csrfToken }: Call = {}) {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrfToken) headers["X-CSRF-Token"] = csrfToken;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError(0, "unreachable", "The server does not answer.");
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as T;
  throw problem(response.status, answer);
}

function problem(status: number, answer: unknown): ApiError {
  const { code, title, detail } = (answer ?? {}) as Record<string, unknown>;
  const words = [detail, title].find((text) => typeof text === "string" && text !== "");
  return new ApiError(
    status,
    typeof code === "string" ? code : "unknown",
    typeof words === "string" ? words : `The server answered ${status}.`,
  );
}
