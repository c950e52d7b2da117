import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Agent } from "@/lib/live/protocol";
import { anAgent } from "@/lib/live/testEvents";
import type { FleetColumn } from "@/stores/fleetView";
import { type Arrangement, arrange, countLiveness } from "./arrange";
import { firstEvent } from "./EmptyFleet";

const BY_NAME: Arrangement = { search: "", liveness: null, column: "agent", descending: false };

function fleet(...parts: Partial<Agent>[]): Map<string, Agent> {
  return new Map(parts.map(anAgent).map((agent) => [agent.agent_id, agent]));
}

describe("arrange", () => {
  it("puts worker-2 before worker-10", () => {
    const agents = fleet({ agent_id: "worker-10" }, { agent_id: "worker-2" });
    expect(arrange(agents, BY_NAME, () => 0)).toEqual(["worker-2", "worker-10"]);
  });

  it("puts what is not known last, whichever way it sorts", () => {
    const agents = fleet(
      { agent_id: "a", cpu_pct: null },
      { agent_id: "b", cpu_pct: 5 },
      { agent_id: "c", cpu_pct: 50 },
    );
    const by = (descending: boolean) =>
      arrange(agents, { ...BY_NAME, column: "cpu", descending }, () => 0);
    expect(by(true)).toEqual(["c", "b", "a"]);
    expect(by(false)).toEqual(["b", "c", "a"]);
  });

  it("finds by anything an agent says of itself", () => {
    const agents = fleet({ agent_id: "a", note: "Reading a file" }, { agent_id: "b" });
    expect(arrange(agents, { ...BY_NAME, search: "reading" }, () => 0)).toEqual(["a"]);
    expect(arrange(agents, { ...BY_NAME, liveness: "lost" }, () => 0)).toEqual([]);
  });

  it("shows every agent once in any order", () => {
    const columns = fc.constantFrom<FleetColumn>(
      "liveness",
      "agent",
      "status",
      "task",
      "last",
      "rate",
    );
    const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 20 });
    fc.assert(
      fc.property(ids, columns, fc.boolean(), (names, column, descending) => {
        const agents = fleet(...names.map((agent_id) => ({ agent_id })));
        const shown = arrange(agents, { ...BY_NAME, column, descending }, (id) => id.length);
        expect(shown.toSorted()).toEqual(names.toSorted());
      }),
    );
  });
});

it("counts each liveness", () => {
  const agents = fleet({ agent_id: "a" }, { agent_id: "b", liveness: "lost" });
  expect(countLiveness(agents)).toEqual({ online: 1, stale: 0, lost: 1 });
});

it("gives a curl line that can be pasted", () => {
  expect(firstEvent("https://t.example")).toContain("curl -X POST https://t.example/v1/events");
  const body = /-d '(.*)'/.exec(firstEvent("x"))?.[1] ?? "";
  expect(JSON.parse(body)).toMatchObject({ type: "agent.log", agent_id: "my-agent" });
});
