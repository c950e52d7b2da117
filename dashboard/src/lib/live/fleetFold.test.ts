import { describe, expect, it } from "vitest";
import { fold, replaceAgents } from "./fleetFold";
import { anAgent, anEvent } from "./testEvents";

const fleet = new Map([["worker-1", anAgent({ events: 4, liveness: "stale" })]]);

describe("fold", () => {
  it("keeps a row fresh between the server's words", () => {
    const said = (type: string, data: Record<string, unknown>, task_id: string | null = null) =>
      anEvent({ agent_id: "worker-1", type, data, task_id });
    const agent = fold(fleet, [
      said("agent.status", { status: "working", note: "on it" }, "task-1"),
      said("agent.metric", { cpu_pct: 12.5, memory_bytes: 1_000 }),
      said("agent.registered", { role: "manager", name: "Ada" }),
      said("tool.called", {}),
    ]).get("worker-1");
    expect(agent).toMatchObject({
      status: "working",
      note: "on it",
      cpu_pct: 12.5,
      memory_bytes: 1_000,
      role: "manager",
      name: "Ada",
      task_id: "task-1",
      last_event_type: "tool.called",
      liveness: "online",
      events: 8,
    });
  });

  it("makes room for an agent the server has not described yet, and leaves the old map alone", () => {
    const next = fold(fleet, [anEvent({ agent_id: "new" })]);
    expect(next.get("new")).toMatchObject({ agent_id: "new", events: 1, liveness: "online" });
    expect(fleet.has("new")).toBe(false);
  });

  it("takes nothing of the wrong kind", () => {
    const wrong = { cpu_pct: "hot", memory_bytes: Number.NaN };
    const agent = fold(fleet, [
      anEvent({ agent_id: "worker-1", type: "agent.metric", data: wrong }),
    ]);
    expect(agent.get("worker-1")).toMatchObject({ cpu_pct: null, memory_bytes: null });
  });
});

describe("replaceAgents", () => {
  it("replaces those named, and forgets the others only when the list is complete", () => {
    const other = anAgent({ agent_id: "worker-2" });
    expect([...replaceAgents(fleet, [other], false).keys()]).toEqual(["worker-1", "worker-2"]);
    expect([...replaceAgents(fleet, [other], true).keys()]).toEqual(["worker-2"]);
  });
});
