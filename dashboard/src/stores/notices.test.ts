import { beforeEach, expect, it } from "vitest";
import { dismiss, expireNotices, notify, useNotices } from "./notices";

const REFILLED = { what: "refilled", because: "away", count: 3 } as const;
const SKIPPED = { what: "skipped", because: "too_fast", count: 10 } as const;
const shown = () => useNotices.getState().items.map(({ stream }) => [stream.what, stream.count]);

beforeEach(() => useNotices.setState({ items: [] }));

it("adds up losses of one kind", () => {
  notify(SKIPPED, 0);
  notify(SKIPPED, 1);
  expect(shown()).toEqual([["skipped", 20]]);
});

it("takes good news away by itself, and a loss only when it was read", () => {
  notify(REFILLED, 0);
  notify(SKIPPED, 0);
  expireNotices(60_000);
  expect(shown()).toEqual([["skipped", 10]]);
  dismiss(useNotices.getState().items[0]?.id ?? 0);
  expect(shown()).toEqual([]);
});
