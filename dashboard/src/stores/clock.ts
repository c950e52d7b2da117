/** The second hand: one timer for every "4 s ago" on the page, and the server's clock beside ours. */
import { create } from "zustand";
import { ServerClock } from "@/lib/live/serverClock";
import { useConnection } from "./connection";

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

/**
 * The second (Unix, server's clock) up to which rates can be known: the present one while connected,
 * the last one heard of while not. A silent line says nothing about a fleet's pace.
 */
export function useKnownSecond(): number {
  const now = useServerNow();
  const connected = useConnection((state) => state.link.name === "open");
  const { heardAt } = useConnection.getState();
  const until = connected || heardAt === null ? now : Math.min(now, serverClock.at(heardAt));
  return Math.floor(until / 1_000);
}

/** Lets the clock run; returns what stops it. */
export function startClock(): () => void {
  const timer = setInterval(() => useClock.setState({ now: Date.now() }), 1_000);
  return () => clearInterval(timer);
}
