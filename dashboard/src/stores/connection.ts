/** How the page stands with the server: the socket's state, catch-up, and when it last heard. */
import { create } from "zustand";
import type { Link } from "@/lib/live/link";
import type { Subscription } from "@/lib/live/subscription";
import type { FeedRole } from "./liveFeed";

interface Connection {
  readonly link: Link;
  readonly progress: Readonly<Record<FeedRole, Subscription | null>>;
  /** Unix ms up to which the page shows everything it was sent; null before the first frame. */
  readonly heardAt: number | null;
  /** What the browser says about the network. It is often wrong, so it only colours the words. */
  readonly networkDown: boolean;
}

export const useConnection = create<Connection>(() => ({
  link: { name: "idle" },
  progress: { live: null, tail: null },
  heardAt: null,
  networkDown: false,
}));

export function setProgress(role: FeedRole, state: Subscription | null): void {
  useConnection.setState(({ progress }) =>
    progress[role] === state ? {} : { progress: { ...progress, [role]: state } },
  );
}

export function resetConnection(): void {
  useConnection.setState({ progress: { live: null, tail: null }, heardAt: null });
}
