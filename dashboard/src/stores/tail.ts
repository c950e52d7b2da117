/** The live tail: what it is filtered for, the newest events of that, and whether it stands still. */
import { create } from "zustand";
import { EMPTY_WINDOW, type EventWindow, merge } from "@/lib/live/eventWindow";
import type { StoredEvent } from "@/lib/live/protocol";
import { isEmpty, matches, NO_FILTER, type TailFilter } from "@/lib/live/tailFilter";
import type { FeedRole } from "./liveFeed";

/** Why the tail stands still: asked for, or because somebody is reading further up. */
export type PauseReason = "asked" | "reading";

export interface Pause {
  readonly reason: PauseReason;
  /** What is on the screen meanwhile. */
  readonly shown: EventWindow;
}

interface Tail {
  readonly filter: TailFilter;
  readonly windows: Readonly<Record<FeedRole, EventWindow>>;
  readonly pause: Pause | null;
  /** Key of the event that lies open, if any. */
  readonly open: string | null;
}

const NOTHING: Tail = {
  filter: NO_FILTER,
  windows: { live: EMPTY_WINDOW, tail: EMPTY_WINDOW },
  pause: null,
  open: null,
};

export const useTail = create<Tail>(() => NOTHING);

/** Merges events into one view; returns those that were not seen in it before. */
export function mergeEvents(
  role: FeedRole,
  events: readonly StoredEvent[],
  charsEach: number,
): StoredEvent[] {
  const { windows } = useTail.getState();
  const { window, fresh } = merge(windows[role], events, charsEach);
  if (fresh.length) useTail.setState({ windows: { ...windows, [role]: window } });
  return fresh;
}

/** Forgets one view's events: what comes next is from another epoch or for another filter. */
export function resetView(role: FeedRole): void {
  const { windows } = useTail.getState();
  useTail.setState({ windows: { ...windows, [role]: EMPTY_WINDOW } });
}

/** Filters the tail. Until the server answers it shows what is here already and matches. */
export function setFilter(filter: TailFilter): void {
  const { windows } = useTail.getState();
  const known = isEmpty(filter)
    ? EMPTY_WINDOW
    : merge(
        EMPTY_WINDOW,
        windows.live.rows.filter((row) => matches(filter, row)),
        0,
      ).window;
  useTail.setState({ filter, windows: { ...windows, tail: known }, pause: null, open: null });
}

export function pauseTail(reason: PauseReason): void {
  useTail.setState((tail) => ({ pause: tail.pause ?? { reason, shown: currentWindow(tail) } }));
}

export function resumeTail(): void {
  useTail.setState({ pause: null, open: null });
}

/** Opens an event, or closes it if it lies open. An open event holds the tail still. */
export function toggleOpen(key: string): void {
  if (useTail.getState().open === key) useTail.setState({ open: null });
  else {
    pauseTail("reading");
    useTail.setState({ open: key });
  }
}

export function resetTail(): void {
  useTail.setState(({ filter }) => ({ ...NOTHING, filter }));
}

/** The view that is being fed, shown or not. */
export function currentWindow(tail: Tail): EventWindow {
  return tail.windows[isEmpty(tail.filter) ? "live" : "tail"];
}

/** The view that is on the screen. */
export function shownWindow(tail: Tail): EventWindow {
  return tail.pause?.shown ?? currentWindow(tail);
}

/** How many events came while the tail stood still. */
export function waitingCount(tail: Tail): number {
  return tail.pause ? Math.max(0, currentWindow(tail).total - tail.pause.shown.total) : 0;
}
