/** Events for tests: everything a stored event has, and what the test cares about. */
import type { Agent, StoredEvent } from "./protocol";

export function anEvent(part: Partial<StoredEvent> = {}): StoredEvent {
  const { partition = 0, offset = 1 } = part;
  return {
    id: `${partition}-${offset}`,
    type: "agent.log",
    agent_id: `agent-${partition}`,
    time: "2026-11-23T10:00:00.000Z",
    task_id: null,
    trace_id: null,
    severity: "info",
    data: {},
    partition,
    offset,
    received_at: "2026-11-23T10:00:00.100Z",
    ...part,
  };
}

export function anAgent(part: Partial<Agent> = {}): Agent {
  return {
    agent_id: "worker-1",
    name: null,
    role: "worker",
    status: null,
    note: null,
    liveness: "online",
    first_seen_at: "2026-11-23T09:00:00.000Z",
    last_seen_at: "2026-11-23T10:00:00.000Z",
    last_event_at: null,
    last_event_type: null,
    last_event_severity: null,
    task_id: null,
    events: 0,
    cpu_pct: null,
    memory_bytes: null,
    ...part,
  };
}
