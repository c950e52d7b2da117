/**
 * What the events the page sees say about their agents, between two `agents` frames of the server.
 * The server's word replaces an agent whole; this only keeps the row fresh until it comes.
 */
import type { Agent, StoredEvent } from "./protocol";

/** An agent known only by its id: its first event came before the server described it. */
export function newAgent(agentId: string, seenAt: string): Agent {
  return {
    agent_id: agentId,
    name: null,
    role: null,
    status: null,
    note: null,
    liveness: "online",
    first_seen_at: seenAt,
    last_seen_at: seenAt,
    last_event_at: null,
    last_event_type: null,
    last_event_severity: null,
    task_id: null,
    events: 0,
    cpu_pct: null,
    memory_bytes: null,
  };
}

/** The agents after `events`, each of them fresh and in order per agent. The map given is not changed. */
export function fold(
  agents: ReadonlyMap<string, Agent>,
  events: readonly StoredEvent[],
): ReadonlyMap<string, Agent> {
  if (events.length === 0) return agents;
  const next = new Map(agents);
  for (const event of events) {
    const agent = next.get(event.agent_id) ?? newAgent(event.agent_id, event.received_at);
    next.set(event.agent_id, foldOne(agent, event));
  }
  return next;
}

/** The same rules as the server's own fold, so that its next word changes nothing. */
function foldOne(agent: Agent, event: StoredEvent): Agent {
  return {
    ...agent,
    events: agent.events + 1,
    liveness: "online",
    last_seen_at: event.received_at,
    last_event_at: event.time,
    last_event_type: event.type,
    last_event_severity: event.severity,
    task_id: event.task_id ?? agent.task_id,
    ...saidAbout(agent, event),
  };
}

function saidAbout(agent: Agent, { type, data }: StoredEvent): Partial<Agent> {
  switch (type) {
    case "agent.status":
      return { status: textIn(data.status) ?? agent.status, note: textIn(data.note) };
    case "agent.metric":
      return {
        cpu_pct: numberIn(data.cpu_pct) ?? agent.cpu_pct,
        memory_bytes: numberIn(data.memory_bytes) ?? agent.memory_bytes,
      };
    case "agent.registered":
      return {
        name: textIn(data.name) ?? agent.name,
        role: data.role === "worker" || data.role === "manager" ? data.role : agent.role,
      };
    default:
      return {};
  }
}

function textIn(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function numberIn(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** The agents after an `agents` frame or a snapshot's list (`complete`: there are no others). */
export function replaceAgents(
  agents: ReadonlyMap<string, Agent>,
  items: readonly Agent[],
  complete: boolean,
): ReadonlyMap<string, Agent> {
  const next = complete ? new Map<string, Agent>() : new Map(agents);
  for (const item of items) next.set(item.agent_id, item);
  return next;
}
