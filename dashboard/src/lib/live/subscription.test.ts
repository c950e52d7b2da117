import { describe, expect, it } from "vitest";
import type { SubscriptionFrame } from "./protocol";
import { advance, NEW_SUBSCRIPTION, type Subscription, take } from "./subscription";
import { anAgent, anEvent } from "./testEvents";

const LIVE: Subscription = { ...NEW_SUBSCRIPTION, phase: "live", cursor: "c1" };

function after(state: Subscription, ...frames: SubscriptionFrame[]) {
  let subscription = state;
  const effects = frames.flatMap((frame) => {
    const taken = take(subscription, frame, 0);
    subscription = taken.subscription;
    return taken.effects;
  });
  return { subscription, effects };
}

describe("a subscription", () => {
  it("begins with the first picture, oldest event first, and says nothing of a refill", () => {
    const late = anEvent({ offset: 2, received_at: "2026-11-23T10:00:02.000Z" });
    const early = anEvent({ offset: 1, received_at: "2026-11-23T10:00:01.000Z" });
    const { subscription, effects } = after(
      NEW_SUBSCRIPTION,
      {
        type: "snapshot",
        id: "live",
        cursor: "c1",
        agents: [anAgent()],
        tasks: [],
        events: [late, early],
      },
      { type: "events", id: "live", cursor: "c2", items: [anEvent({ offset: 3 })] },
      { type: "caught_up", id: "live", cursor: "c2" },
    );
    expect(effects).toEqual([
      { kind: "reset" },
      { kind: "agents", items: [anAgent()], complete: true },
      { kind: "events", items: [early, late], source: "snapshot" },
      { kind: "events", items: [anEvent({ offset: 3 })], source: "catch_up" },
    ]);
    expect(subscription).toMatchObject({ phase: "live", cursor: "c2" });
  });

  it("counts what is still to come while it catches up", () => {
    const { subscription } = after(
      { ...LIVE, phase: "waiting" },
      { type: "resumed", id: "live", recovered: true, missed: 5 },
      { type: "events", id: "live", cursor: "c2", items: [anEvent(), anEvent({ offset: 2 })] },
    );
    expect(subscription).toMatchObject({ phase: "catch_up", missed: 5, received: 2 });
  });

  it("keeps what it has when the server only forgot the way there", () => {
    const { effects } = after(
      { ...LIVE, phase: "waiting" },
      { type: "resumed", id: "live", recovered: false, reason: "too_far", missed: 0 },
      { type: "snapshot", id: "live", cursor: "c9", agents: [], tasks: [], events: [] },
    );
    expect(effects.map((effect) => effect.kind)).toEqual(["notice", "agents", "events"]);
  });

  it("forgets everything in a new epoch", () => {
    const { effects } = after(
      { ...LIVE, phase: "waiting" },
      { type: "resumed", id: "live", recovered: false, reason: "epoch", missed: 0 },
      { type: "snapshot", id: "live", cursor: "c9", agents: [], tasks: [], events: [] },
    );
    expect(effects.map((effect) => effect.kind)).toEqual(["notice", "reset", "agents", "events"]);
  });

  it("moves its cursor with the heads only when it is live", () => {
    expect(advance(LIVE, "c5").cursor).toBe("c5");
    expect(advance({ ...LIVE, phase: "catch_up" }, "c5").cursor).toBe("c1");
  });

  it("refills from the cursor it is told, else from its own", () => {
    const dropped = { type: "dropped", id: "live", count: 3, policy: "head" } as const;
    expect(after(LIVE, { ...dropped, cursor: "c0" }).subscription.cursor).toBe("c0");
    expect(after(LIVE, dropped).subscription.cursor).toBe("c1");
    expect(after(LIVE, dropped).effects).toEqual([{ kind: "resubscribe" }]);
  });
});
