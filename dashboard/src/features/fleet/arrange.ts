/** Which agents the fleet table shows, and in what order. */
import type { Agent, Liveness } from "@/lib/live/protocol";
import type { FleetColumn } from "@/stores/fleetView";

export interface Arrangement {
  readonly search: string;
  readonly liveness: Liveness | null;
  readonly column: FleetColumn;
  readonly descending: boolean;
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Trouble last, so that descending puts it on top. */
const LIVENESS_RANK: Readonly<Record<Liveness, number>> = { online: 0, stale: 1, lost: 2 };

/** The ids of the agents to show, in order. `rateOf` tells an agent's events per second. */
export function arrange(
  agents: ReadonlyMap<string, Agent>,
  how: Arrangement,
  rateOf: (agentId: string) => number,
): string[] {
  const wanted = how.search.trim().toLowerCase();
  const shown = [...agents.values()].filter(
    (agent) =>
      (how.liveness === null || agent.liveness === how.liveness) &&
      (wanted === "" || saysSomewhere(agent, wanted)),
  );
  const keys = new Map(shown.map((agent) => [agent, keyOf(agent, how.column, rateOf)]));
  const sign = how.descending ? -1 : 1;
  shown.sort((a, b) => {
    const order = compareKeys(keys.get(a) ?? null, keys.get(b) ?? null, sign);
    return order || byName.compare(titleOf(a), titleOf(b));
  });
  return shown.map((agent) => agent.agent_id);
}

/** What the agent is called: its name if it has one. */
export function titleOf(agent: Agent): string {
  return agent.name ?? agent.agent_id;
}

export type LivenessCounts = Readonly<Record<Liveness, number>>;

export function countLiveness(agents: ReadonlyMap<string, Agent>): LivenessCounts {
  const counts = { online: 0, stale: 0, lost: 0 };
  for (const { liveness } of agents.values()) counts[liveness]++;
  return counts;
}

function saysSomewhere(agent: Agent, wanted: string): boolean {
  const { agent_id, name, role, status, note, task_id, last_event_type } = agent;
  return [agent_id, name, role, status, note, task_id, last_event_type].some((text) =>
    text?.toLowerCase().includes(wanted),
  );
}

type Key = string | number | null;

function keyOf(agent: Agent, column: FleetColumn, rateOf: (agentId: string) => number): Key {
  switch (column) {
    case "liveness":
      return LIVENESS_RANK[agent.liveness];
    case "agent":
      return titleOf(agent);
    case "status":
      return agent.status;
    case "task":
      return agent.task_id;
    case "last":
      return agent.last_event_at === null ? null : Date.parse(agent.last_event_at);
    case "rate":
      return rateOf(agent.agent_id);
    case "cpu":
      return agent.cpu_pct;
    case "memory":
      return agent.memory_bytes;
    case "events":
      return agent.events;
  }
}

/** What is not known comes last in either direction. */
function compareKeys(a: Key, b: Key, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * byName.compare(String(a), String(b));
}
