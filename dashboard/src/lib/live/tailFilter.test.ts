import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SEVERITIES } from "./protocol";
import {
  fromQuery,
  isEmpty,
  isTypePattern,
  matches,
  NO_FILTER,
  partsOf,
  toggled,
  toQuery,
  toWire,
} from "./tailFilter";
import { anEvent } from "./testEvents";

const words = fc.array(fc.string({ minLength: 1, maxLength: 12 }), { maxLength: 3 });
const filters = fc.record({
  agents: words,
  types: words,
  tasks: words,
  from: fc.option(fc.constantFrom(...SEVERITIES)),
  text: fc.string({ maxLength: 20 }).map((text) => text.trim()),
});

describe("a tail filter", () => {
  it("comes back from the address as it went in", () => {
    fc.assert(
      fc.property(filters, (filter) => {
        expect(fromQuery(toQuery(filter))).toEqual(filter);
      }),
    );
  });

  it("asks the server for each severity from the chosen one on", () => {
    expect(toWire({ ...NO_FILTER, from: "error" })).toEqual({ severity: ["error", "critical"] });
    expect(toWire({ ...NO_FILTER, from: "debug" })).toBeNull();
  });

  it("is empty when it asks for nothing", () => {
    expect(isEmpty({ ...NO_FILTER, text: "  " })).toBe(true);
    expect(partsOf({ ...NO_FILTER, agents: ["a", "b"], text: "x" })).toBe(3);
  });

  it("adds a value, and takes it out again", () => {
    const once = toggled(NO_FILTER, "agents", "a");
    expect(once.agents).toEqual(["a"]);
    expect(toggled(once, "agents", "a")).toEqual(NO_FILTER);
  });

  it("matches as the server does", () => {
    const event = anEvent({
      type: "task.failed",
      task_id: "t1",
      severity: "error",
      data: { why: "Disk" },
    });
    expect(matches({ ...NO_FILTER, types: ["task.*"], from: "warning" }, event)).toBe(true);
    expect(matches({ ...NO_FILTER, types: ["task"] }, event)).toBe(false);
    expect(matches({ ...NO_FILTER, text: "disk" }, event)).toBe(true);
    expect(matches({ ...NO_FILTER, tasks: ["t2"] }, event)).toBe(false);
    expect(matches({ ...NO_FILTER, agents: ["someone"] }, event)).toBe(false);
  });

  it("knows a type or a family from a typing error", () => {
    expect(["task.*", "tool.called", "a_1"].map(isTypePattern)).toEqual([true, true, true]);
    expect(["Task", "task.", "*", "a..b", ""].map(isTypePattern)).toEqual(new Array(5).fill(false));
  });
});
