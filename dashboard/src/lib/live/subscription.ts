/**
 * One subscription's life: snapshot or resume, catch-up, live, and what to do when events were
 * dropped. Plain transitions from a frame to the next state and what the page must do about it.
 */
import type { Agent, StoredEvent, SubscriptionFrame } from "./protocol";

/** `waiting`: subscribed, nothing back yet. */
export type SubscriptionPhase = "waiting" | "catch_up" | "live";

export interface Subscription {
  readonly phase: SubscriptionPhase;
  /** Everything up to here has been taken in; null before the first snapshot. */
  readonly cursor: string | null;
  /** While catching up: how many events are expected, and how many have come. */
  readonly missed: number;
  readonly received: number;
  /** What this catch-up makes good, until it has; null for the first picture. */
  readonly refill: { readonly because: "away" | "dropped"; readonly count: number } | null;
  /** When the last refill was asked for, in ms of any steady clock. */
  readonly refilledAt: number | null;
}

export const NEW_SUBSCRIPTION: Subscription = {
  phase: "waiting",
  cursor: null,
  missed: 0,
  received: 0,
  refill: null,
  refilledAt: null,
};

/** A snapshot's agents already hold what its events say; catch-up is late; live is now. */
export type EventSource = "snapshot" | "catch_up" | "live";

export type Effect =
  /** Everything known before is void: another epoch, or the first picture. */
  | { readonly kind: "reset" }
  /** Take these in, in this order. */
  | {
      readonly kind: "events";
      readonly items: readonly StoredEvent[];
      readonly source: EventSource;
    }
  /** Replace these agents; `complete`: and forget every other one. */
  | { readonly kind: "agents"; readonly items: readonly Agent[]; readonly complete: boolean }
  /** Subscribe again with the cursor that the state now holds. */
  | { readonly kind: "resubscribe" }
  | { readonly kind: "notice"; readonly notice: StreamNotice };

export type StreamNotice =
  /** All that was missed while away, or was dropped, has been brought back. */
  | { readonly what: "refilled"; readonly count: number; readonly because: "away" | "dropped" }
  /** Events exist that are not on the page. */
  | {
      readonly what: "skipped";
      readonly count: number;
      readonly because: "epoch" | "retention" | "too_far" | "too_fast";
    };

/** Refills closer together than this would only make a page that is too slow slower. */
const REFILL_REST_MS = 5_000;

/** What the state becomes when the subscribe frame is sent (again). */
export function subscribed(subscription: Subscription): Subscription {
  return { ...subscription, phase: "waiting", missed: 0, received: 0 };
}

/** Takes one frame of this subscription. `now` is a steady clock in ms. */
export function take(
  subscription: Subscription,
  frame: SubscriptionFrame,
  now: number,
): { subscription: Subscription; effects: Effect[] } {
  switch (frame.type) {
    case "snapshot":
      return snapshot(subscription, frame);
    case "resumed":
      return resumed(subscription, frame);
    case "events":
      return events(subscription, frame);
    case "caught_up":
      return caughtUp(subscription, frame.cursor);
    case "agents":
      return {
        subscription,
        effects: [{ kind: "agents", items: frame.items, complete: false }],
      };
    case "dropped":
      return dropped(subscription, frame, now);
  }
}

/** A `heads` frame: nothing that matches lies before it, so the cursor may move up when live. */
export function advance(subscription: Subscription, cursor: string): Subscription {
  return subscription.phase === "live" ? { ...subscription, cursor } : subscription;
}

function snapshot(
  subscription: Subscription,
  frame: Extract<SubscriptionFrame, { type: "snapshot" }>,
) {
  const first = subscription.cursor === null;
  const effects: Effect[] = first ? [{ kind: "reset" }] : [];
  effects.push({ kind: "agents", items: frame.agents, complete: true });
  effects.push({ kind: "events", items: inOrder(frame.events), source: "snapshot" });
  return {
    subscription: { ...subscription, phase: "catch_up" as const, cursor: frame.cursor },
    effects,
  };
}

function resumed(
  subscription: Subscription,
  frame: Extract<SubscriptionFrame, { type: "resumed" }>,
) {
  if (frame.recovered) {
    return {
      subscription: {
        ...subscription,
        phase: "catch_up" as const,
        missed: frame.missed,
        received: 0,
        refill: subscription.refill ?? { because: "away" as const, count: 0 },
      },
      effects: [],
    };
  }
  const because = frame.reason ?? "too_far";
  const effects: Effect[] = [
    { kind: "notice", notice: { what: "skipped", count: frame.missed, because } },
  ];
  // Another epoch numbers its events anew: what is on the page cannot be compared with it.
  const cursor = because === "epoch" ? null : subscription.cursor;
  return { subscription: { ...subscription, cursor, refill: null }, effects };
}

function events(subscription: Subscription, frame: Extract<SubscriptionFrame, { type: "events" }>) {
  const source: EventSource = subscription.phase === "live" ? "live" : "catch_up";
  return {
    subscription: {
      ...subscription,
      cursor: frame.cursor,
      received: subscription.received + (source === "catch_up" ? frame.items.length : 0),
    },
    effects: [{ kind: "events" as const, items: frame.items, source }],
  };
}

function caughtUp(subscription: Subscription, cursor: string) {
  const { refill, received } = subscription;
  const effects: Effect[] = [];
  if (refill) {
    const count = refill.because === "dropped" ? refill.count : received;
    const notice: StreamNotice = { what: "refilled", count, because: refill.because };
    if (count > 0) effects.push({ kind: "notice", notice });
  }
  return {
    subscription: {
      ...subscription,
      phase: "live" as const,
      cursor,
      missed: 0,
      received: 0,
      refill: null,
    },
    effects,
  };
}

/** Subscribing with a cursor from before what was dropped brings it back. */
function dropped(
  subscription: Subscription,
  { count, cursor }: Extract<SubscriptionFrame, { type: "dropped" }>,
  now: number,
) {
  // Dropped before the first picture: that picture will hold it.
  if (subscription.cursor === null) return { subscription, effects: [] };
  const { refilledAt } = subscription;
  if (refilledAt !== null && now - refilledAt < REFILL_REST_MS) {
    const notice: StreamNotice = { what: "skipped", count, because: "too_fast" };
    return { subscription, effects: [{ kind: "notice" as const, notice }] };
  }
  return {
    subscription: {
      ...subscribed(subscription),
      cursor: cursor || subscription.cursor,
      refill: {
        because: "dropped" as const,
        count: count + (subscription.refill?.because === "dropped" ? subscription.refill.count : 0),
      },
      refilledAt: now,
    },
    effects: [{ kind: "resubscribe" as const }],
  };
}

/** A snapshot's events by the server's clock, oldest first, whichever way they were sent. */
function inOrder(items: readonly StoredEvent[]): StoredEvent[] {
  return items.slice().sort((a, b) => {
    if (a.received_at === b.received_at) return a.offset - b.offset;
    return a.received_at < b.received_at ? -1 : 1;
  });
}
