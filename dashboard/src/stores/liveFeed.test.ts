import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EMPTY_WINDOW, type EventWindow, keyOf, merge } from "@/lib/live/eventWindow";
import type { Link } from "@/lib/live/link";
import type { StreamNotice, Subscription } from "@/lib/live/subscription";
import { type FeedSink, type FeedWorld, LiveFeed } from "./liveFeed";
import { ModelServer, PARTITIONS } from "./liveFeed.model";

const ROOMY = { rows: 100_000, chars: Number.MAX_SAFE_INTEGER };

/** A page with one view, and the means to let its animation frames happen. */
class Page implements FeedSink {
  window: EventWindow = EMPTY_WINDOW;
  state: Link = { name: "idle" };
  live: Subscription | null = null;
  notices: StreamNotice[] = [];
  paint: (() => void) | null = null;
  ended = false;
  readonly feed: LiveFeed;

  constructor(server: ModelServer) {
    const world: FeedWorld = {
      open: () => server.open(),
      now: () => Date.now(),
      random: () => 0.5,
      sessionEnded: async () => this.ended,
      scheduler: {
        now: () => Date.now(),
        painted: () => {},
        soon: (callback) => {
          this.paint = callback;
          return {
            cancel: () => {
              this.paint = null;
            },
          };
        },
      },
    };
    this.feed = new LiveFeed(world, this);
  }

  link(state: Link): void {
    this.state = state;
  }

  progress: FeedSink["progress"] = (role, state) => {
    if (role === "live") this.live = state;
  };

  effects: FeedSink["effects"] = (_role, effects, size) => {
    for (const effect of effects) {
      if (effect.kind === "reset") this.window = EMPTY_WINDOW;
      else if (effect.kind === "notice") this.notices.push(effect.notice);
      else if (effect.kind === "events") {
        this.window = merge(this.window, effect.items, size, ROOMY).window;
      }
    }
  };

  heard(): void {}
}

/** Lets everything that is on the way arrive, and waits out any back-off. */
function settle(server: ModelServer, page: Page): void {
  for (let round = 0; round < 200; round++) {
    const moved = server.socket?.deliver(1_000) ?? false;
    page.paint?.();
    if (!moved && page.live?.phase === "live" && page.state.name === "open") return;
    if (!moved) vi.advanceTimersByTime(1_000);
  }
  throw new Error(`never settled: ${page.state.name}, ${page.live?.phase}`);
}

function settled(): { server: ModelServer; page: Page } {
  const server = new ModelServer();
  const page = new Page(server);
  page.feed.start();
  settle(server, page);
  return { server, page };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Step =
  | { do: "append"; partitions: number[] }
  | { do: "deliver"; count: number }
  | { do: "paint" }
  | { do: "cut" }
  | { do: "heads" }
  | { do: "wait" }
  | { do: "epoch" }
  | { do: "drop"; places: number[] };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      partitions: fc.array(fc.nat({ max: PARTITIONS - 1 }), { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("deliver" as const),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ do: "paint" as const }) },
  { weight: 4, arbitrary: fc.constantFrom({ do: "cut" as const }, { do: "heads" as const }) },
  { weight: 5, arbitrary: fc.constant({ do: "wait" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("drop" as const),
      places: fc.array(fc.nat({ max: 12 })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "epoch" as const }) },
);

function play(server: ModelServer, page: Page, step: Step): void {
  if (step.do === "append") for (const partition of step.partitions) server.append(partition);
  else if (step.do === "deliver") server.socket?.deliver(step.count);
  else if (step.do === "paint") page.paint?.();
  else if (step.do === "cut") server.socket?.cut();
  else if (step.do === "heads") server.socket?.heads();
  else if (step.do === "epoch") server.startEpoch();
  else if (step.do === "wait") vi.advanceTimersByTime(6_000);
  else server.socket?.drop((place) => step.places.includes(place));
}

describe("the live feed", () => {
  it("misses nothing and shows nothing twice, wherever it was cut or frames were dropped", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { server, page } = settled();
        for (const one of steps) {
          // Refills rest between each other, and then say so: here every drop is made good.
          if (one.do === "drop") vi.advanceTimersByTime(5_000);
          play(server, page, one);
        }
        settle(server, page);
        page.feed.stop();

        expect(
          page.notices.filter((n) => n.what === "skipped" && n.because === "too_fast"),
        ).toEqual([]);
        const keys = page.window.rows.map(keyOf);
        expect(new Set(keys).size).toBe(keys.length);
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const shown = page.window.rows.filter((row) => row.partition === partition);
          const kept = server.log.filter((event) => event.partition === partition);
          // The page begins somewhere in its snapshot; from there on it has everything, in order.
          const since = server.snapshotHeads[partition] ?? 0;
          expect(shown.length).toBeGreaterThanOrEqual(kept.filter((e) => e.offset > since).length);
          expect(shown.map((e) => e.id)).toEqual(
            kept.slice(kept.length - shown.length).map((e) => e.id),
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("comes back with its cursor and says what was refilled", () => {
    const { server, page } = settled();
    server.append(0);
    settle(server, page);
    server.socket?.cut();
    for (let i = 0; i < 5; i++) server.append(1);
    expect(page.state.name).toBe("waiting");
    settle(server, page);
    expect(page.window.rows).toHaveLength(6);
    expect(page.notices).toEqual([{ what: "refilled", because: "away", count: 5 }]);
  });

  it("brings back what was dropped, with the cursor it had before", () => {
    const { server, page } = settled();
    for (let i = 0; i < 4; i++) server.append(0);
    server.socket?.drop((place) => place === 1 || place === 2);
    settle(server, page);
    expect(page.window.rows.map((row) => row.offset)).toEqual([1, 2, 3, 4]);
    expect(page.notices).toEqual([{ what: "refilled", because: "dropped", count: 2 }]);
  });

  it("puts what was dropped in its place when it is told late", () => {
    const { server, page } = settled();
    for (let i = 0; i < 5; i++) server.append(0);
    server.socket?.drop((place) => place === 1 || place === 3, true);
    settle(server, page);
    expect(page.window.rows.map((row) => row.offset)).toEqual([1, 2, 3, 4, 5]);
  });

  it("does not refill again and again when events keep coming too fast", () => {
    const { server, page } = settled();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3; i++) server.append(0);
      server.socket?.drop((place) => place === 0);
      settle(server, page);
    }
    expect(page.notices.map((notice) => notice.what)).toEqual(["refilled", "skipped"]);
  });

  it("asks for a sign-in when the server lets nobody in because the session has ended", async () => {
    const { server, page } = settled();
    page.ended = true;
    server.socket?.cut();
    vi.advanceTimersByTime(600);
    server.socket?.cut();
    await vi.advanceTimersByTimeAsync(0);
    expect(page.state.name).toBe("signed_out");
  });

  it("gives up a connection that has gone silent, and opens another", () => {
    const { server, page } = settled();
    const first = server.socket;
    vi.advanceTimersByTime(52_000);
    settle(server, page);
    expect(server.socket).not.toBe(first);
    expect(page.state.name).toBe("open");
  });

  it("ignores the frames of a filter that was changed meanwhile", () => {
    const { server, page } = settled();
    page.feed.setTailFilter({ text: "a" });
    page.feed.setTailFilter({ text: "b" });
    server.append(0);
    settle(server, page);
    expect(page.window.rows).toHaveLength(1);
  });
});
