/** The dashboard socket's frames (docs/protocol.md, "The dashboard socket") as types, and their parser. */

export const SEVERITIES = ["debug", "info", "warning", "error", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];
export type Liveness = "online" | "stale" | "lost";

/** An event as Telltale keeps it. (`partition`, `offset`) names it once and for all within an epoch. */
export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly agent_id: string;
  /** The agent's own clock, RFC 3339 UTC. */
  readonly time: string;
  readonly task_id: string | null;
  readonly trace_id: string | null;
  readonly severity: Severity;
  readonly data: Readonly<Record<string, unknown>>;
  readonly partition: number;
  readonly offset: number;
  /** The server's clock, RFC 3339 UTC. */
  readonly received_at: string;
}

/** An agent as the server last described it, with what the page has folded in since. */
export interface Agent {
  readonly agent_id: string;
  readonly name: string | null;
  readonly role: "worker" | "manager" | null;
  /** What the agent says of itself; `liveness` is what the server observes. */
  readonly status: string | null;
  readonly note: string | null;
  readonly liveness: Liveness;
  readonly first_seen_at: string | null;
  readonly last_seen_at: string | null;
  readonly last_event_at: string | null;
  readonly last_event_type: string | null;
  readonly last_event_severity: Severity | null;
  readonly task_id: string | null;
  /** How many of its events are stored. */
  readonly events: number;
  readonly cpu_pct: number | null;
  readonly memory_bytes: number | null;
}

export interface Task {
  readonly task_id: string;
  readonly state: string;
  readonly title: string | null;
  readonly agent_id: string | null;
}

/** Which events a subscription wants; a field that is missing asks for nothing in particular. */
export interface WireFilter {
  agent_ids?: string[];
  types?: string[];
  task_ids?: string[];
  severity?: Severity[];
  text?: string;
}

export type ViewerFrame =
  | {
      type: "subscribe";
      id: string;
      cursor?: string;
      filter?: WireFilter;
      mode: "all" | "latest";
    }
  | { type: "unsubscribe"; id: string }
  | { type: "ping" };

export interface WelcomeFrame {
  type: "welcome";
  connection: string;
  epoch: string;
  ping_interval_s: number;
}
export interface ByeFrame {
  type: "bye";
  code: number;
  reason: string;
  reconnect: boolean;
  retry_after_ms?: number;
}

/** Frames that belong to one subscription, named by `id`. */
export type SubscriptionFrame =
  | {
      type: "snapshot";
      id: string;
      cursor: string;
      agents: Agent[];
      tasks: Task[];
      events: StoredEvent[];
    }
  | {
      type: "resumed";
      id: string;
      recovered: boolean;
      reason?: "epoch" | "retention" | "too_far";
      missed: number;
    }
  | { type: "events"; id: string; cursor: string; items: StoredEvent[] }
  | { type: "caught_up"; id: string; cursor: string }
  | { type: "agents"; id: string; items: Agent[] }
  | {
      type: "dropped";
      id: string;
      count: number;
      policy: string;
      /** Where to refill from, when events from after the hole may have come before this frame. */
      cursor?: string;
    };

export type ServerFrame =
  | WelcomeFrame
  | ByeFrame
  | SubscriptionFrame
  | { type: "heads"; cursor: string }
  | { type: "pong" };

const KNOWN: ReadonlySet<string> = new Set<ServerFrame["type"]>([
  "welcome",
  "bye",
  "snapshot",
  "resumed",
  "events",
  "caught_up",
  "agents",
  "dropped",
  "heads",
  "pong",
]);

/**
 * The frame in `text`, or null when it is of a kind this page does not know (a newer server may
 * send some). Throws SyntaxError when it is not JSON.
 */
export function parseFrame(text: string): ServerFrame | null {
  const frame = JSON.parse(text) as ServerFrame | null;
  return frame !== null && typeof frame === "object" && KNOWN.has(frame.type) ? frame : null;
}
