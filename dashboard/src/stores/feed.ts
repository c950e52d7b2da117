/** Joins the live feed to the stores and to the browser. There is one feed a page. */
import { ApiError, callApi } from "@/lib/api";
import { browserScheduler } from "@/lib/live/frameQueue";
import type { Effect, StreamNotice } from "@/lib/live/subscription";
import { isEmpty, type TailFilter, toWire } from "@/lib/live/tailFilter";
import { serverClock } from "./clock";
import { resetConnection, setProgress, useConnection } from "./connection";
import { countEvents, describeAgents, foldEvents, resetFleet } from "./fleet";
import { type FeedSink, type FeedWorld, LiveFeed } from "./liveFeed";
import { notify, useNotices } from "./notices";
import { mergeEvents, resetTail, resetView, setFilter, useTail } from "./tail";

const sink: FeedSink = {
  link(link) {
    if (link.name === "connecting") serverClock.forget();
    useConnection.setState({ link });
  },
  progress: setProgress,
  effects(role, effects, charsEach) {
    for (const effect of effects) {
      if (role === "live") applyLive(effect, charsEach);
      else applyTail(effect, charsEach);
    }
  },
  heard(at) {
    useConnection.setState({ heardAt: at });
  },
};

const world: FeedWorld = {
  open: () => new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws/dashboard`),
  now: () => Date.now(),
  random: () => Math.random(),
  scheduler: browserScheduler,
  async sessionEnded() {
    try {
      await callApi("/v1/auth/me");
      return false;
    } catch (error) {
      return error instanceof ApiError && error.status === 401;
    }
  },
};

const feed = new LiveFeed(world, sink);

/** Goes live, and listens to the browser for when to try again at once. Returns what stops it all. */
export function startFeed(): () => void {
  const retry = () => feed.retryNow();
  const network = () => {
    useConnection.setState({ networkDown: !navigator.onLine });
    if (navigator.onLine && useConnection.getState().link.name === "waiting") retry();
  };
  const shown = () => {
    if (!document.hidden && useConnection.getState().link.name === "waiting") retry();
  };
  addEventListener("online", network);
  addEventListener("offline", network);
  document.addEventListener("visibilitychange", shown);
  network();
  feed.start();
  feed.setTailFilter(toWire(useTail.getState().filter));
  return () => {
    removeEventListener("online", network);
    removeEventListener("offline", network);
    document.removeEventListener("visibilitychange", shown);
    feed.stop();
    resetConnection();
    resetFleet();
    resetTail();
    useNotices.setState({ items: [] });
  };
}

export function retryNow(): void {
  feed.retryNow();
}

/** Filters the tail, here and at the server. */
export function filterTail(filter: TailFilter): void {
  setFilter(filter);
  feed.setTailFilter(isEmpty(filter) ? null : toWire(filter));
}

function applyLive(effect: Effect, charsEach: number): void {
  if (effect.kind === "reset") {
    resetView("live");
    resetFleet();
  } else if (effect.kind === "agents") describeAgents(effect.items, effect.complete);
  else if (effect.kind === "events") takeEvents(effect, charsEach);
  else if (effect.kind === "notice") notify(effect.notice, Date.now());
}

function takeEvents({ items, source }: Extract<Effect, { kind: "events" }>, charsEach: number) {
  const fresh = mergeEvents("live", items, charsEach);
  // A snapshot's agents already hold what its events say.
  if (source === "snapshot") countEvents(fresh);
  else foldEvents(fresh);
  const newest = fresh.at(-1);
  if (source === "live" && newest) serverClock.observe(newest.received_at, Date.now());
}

function applyTail(effect: Effect, charsEach: number): void {
  if (effect.kind === "reset") resetView("tail");
  else if (effect.kind === "events") mergeEvents("tail", effect.items, charsEach);
  else if (effect.kind === "notice" && concernsTailAlone(effect.notice)) {
    notify(effect.notice, Date.now());
  }
}

/** What was missed while away, the live subscription has already told. */
function concernsTailAlone({ because }: StreamNotice): boolean {
  return because === "dropped" || because === "too_fast";
}
