import { beforeEach, describe, expect, it } from "vitest";
import { NO_FILTER } from "@/lib/live/tailFilter";
import { anEvent } from "@/lib/live/testEvents";
import {
  mergeEvents,
  pauseTail,
  resetTail,
  resumeTail,
  setFilter,
  shownWindow,
  toggleOpen,
  useTail,
  waitingCount,
} from "./tail";

const shown = () => shownWindow(useTail.getState()).rows.map((row) => row.offset);
const come = (...offsets: number[]) =>
  mergeEvents(
    "live",
    offsets.map((offset) => anEvent({ offset, severity: offset > 5 ? "error" : "info" })),
    10,
  );

beforeEach(() => {
  setFilter(NO_FILTER);
  resetTail();
});

describe("the tail", () => {
  it("holds still while paused, counts what waits, and then shows it", () => {
    come(1, 2);
    pauseTail("asked");
    come(2, 3, 4);
    expect(shown()).toEqual([1, 2]);
    expect(waitingCount(useTail.getState())).toBe(2);
    resumeTail();
    expect(shown()).toEqual([1, 2, 3, 4]);
    expect(waitingCount(useTail.getState())).toBe(0);
  });

  it("holds still while an event lies open", () => {
    come(1);
    toggleOpen("0:1");
    come(2);
    expect(shown()).toEqual([1]);
    expect(useTail.getState().pause?.reason).toBe("reading");
  });

  it("stays paused as it was asked to when an event is opened too", () => {
    pauseTail("asked");
    toggleOpen("0:1");
    expect(useTail.getState().pause?.reason).toBe("asked");
  });

  it("shows what is here and matches until the server answers a new filter", () => {
    come(1, 6, 7);
    setFilter({ ...NO_FILTER, from: "error" });
    expect(shown()).toEqual([6, 7]);
    mergeEvents("tail", [anEvent({ offset: 8 })], 10);
    expect(shown()).toEqual([6, 7, 8]);
    setFilter(NO_FILTER);
    expect(shown()).toEqual([1, 6, 7]);
  });
});
