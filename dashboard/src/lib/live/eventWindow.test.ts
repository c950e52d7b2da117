import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_WINDOW, type EventWindow, keyOf, merge } from "./eventWindow";
import type { StoredEvent } from "./protocol";
import { anEvent } from "./testEvents";

const places = fc.array(
  fc.record({ partition: fc.integer({ min: 0, max: 2 }), offset: fc.integer({ min: 1, max: 40 }) }),
  { maxLength: 12 },
);
const batches = fc.array(places, { maxLength: 20 });
const ROOMY = { rows: 1_000, chars: 1_000_000 };

function mergeAll(
  all: readonly (readonly { partition: number; offset: number }[])[],
  limits = ROOMY,
) {
  let window: EventWindow = EMPTY_WINDOW;
  const fresh: StoredEvent[] = [];
  for (const batch of all) {
    const merged = merge(window, batch.map(anEvent), 10, limits);
    window = merged.window;
    fresh.push(...merged.fresh);
  }
  return { window, fresh };
}

describe("merge", () => {
  it("holds every event that came, each once, whatever was repeated or late", () => {
    fc.assert(
      fc.property(batches, (all) => {
        const { window, fresh } = mergeAll(all);
        const came = new Set(all.flat().map(keyOf));
        expect(window.rows.map(keyOf).toSorted()).toEqual([...came].toSorted());
        expect(fresh.map(keyOf).toSorted()).toEqual([...came].toSorted());
      }),
    );
  });

  it("keeps each partition in order of offset", () => {
    fc.assert(
      fc.property(batches, (all) => {
        const { window } = mergeAll(all);
        for (const partition of [0, 1, 2]) {
          const offsets = window.rows.filter((r) => r.partition === partition).map((r) => r.offset);
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it("stays within its limits and shows nothing twice, even what has left it", () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 8 }), (all, rows) => {
        const { window, fresh } = mergeAll(all, { rows, chars: 1_000_000 });
        expect(window.rows.length).toBeLessThanOrEqual(rows);
        expect(window.sizes.length).toBe(window.rows.length);
        const keys = fresh.map(keyOf);
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  it("lets go of the oldest when the events are large, but never of the newest", () => {
    const events = [1, 2, 3].map((offset) => anEvent({ offset }));
    const { window } = merge(EMPTY_WINDOW, events, 60, { rows: 10, chars: 130 });
    expect(window.rows.map((row) => row.offset)).toEqual([2, 3]);
    expect(window.chars).toBe(120);
    const tight = merge(EMPTY_WINDOW, events, 60, { rows: 10, chars: 1 });
    expect(tight.window.rows.map((row) => row.offset)).toEqual([3]);
  });

  it("returns the same window when nothing is new", () => {
    const { window } = merge(EMPTY_WINDOW, [anEvent()], 1);
    expect(merge(window, [anEvent()], 1).window).toBe(window);
  });
});
