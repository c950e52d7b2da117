/** The second hand: one timer for every "4 s ago" on the page, and the server's clock beside ours. */
import { create } from "zustand";
import { ServerClock } from "@/lib/live/serverClock";

interface Clock {
  /** Unix ms of the last tick. */
  readonly now: number;
}

export const useClock = create<Clock>(() => ({ now: Date.now() }));

/** How the server's clock differs from ours, learnt from the live events. */
export const serverClock = new ServerClock();

/** Unix ms on the server's clock at the last tick; a component that reads it renders every second. */
export function useServerNow(): number {
  return useClock((clock) => serverClock.at(clock.now));
}

/** Lets the clock run; returns what stops it. */
export function startClock(): () => void {
  const timer = setInterval(() => useClock.setState({ now: Date.now() }), 1_000);
  return () => clearInterval(timer);
}
