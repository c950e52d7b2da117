/**
 * Frames wait here for the next animation frame, so that a burst costs the page one update. A hidden
 * tab gets no animation frames: a timer stands in for them, and past a bound nobody waits at all.
 */

/** Longest wait when no animation frame comes. */
const FALLBACK_MS = 250;
/** Longest rest between two updates, however long the last one took. */
const LONGEST_REST_MS = 250;
/** What may wait, in characters of JSON; beyond it the queue is applied at once. */
const MAX_WAITING_CHARS = 2_000_000;

export interface Scheduler {
  /** Calls back once: before a paint, not earlier than `restMs` from now, or soon after when nothing is painted. */
  soon(callback: () => void, restMs: number): { cancel(): void };
  /** Calls back when what was changed just now has been painted. */
  painted(callback: () => void): void;
  /** A steady clock, ms. */
  now(): number;
}

export const browserScheduler: Scheduler = {
  soon(callback, restMs) {
    let frame = 0;
    const cancel = () => {
      clearTimeout(rest);
      clearTimeout(fallback);
      cancelAnimationFrame(frame);
    };
    const run = () => {
      cancel();
      callback();
    };
    const ask = () => {
      frame = requestAnimationFrame(run);
    };
    const rest = restMs > 0 ? setTimeout(ask, restMs) : undefined;
    if (restMs <= 0) ask();
    const fallback = setTimeout(run, restMs + FALLBACK_MS);
    return { cancel };
  },
  painted(callback) {
    // A task that is queued before the paint runs after it.
    setTimeout(callback, 0);
  },
  now: () => performance.now(),
};

export class FrameQueue<T> {
  private waiting: T[] = [];
  private chars = 0;
  private due: { cancel(): void } | null = null;
  /** Until then the page belongs to the person: it rests as long as the last update kept it busy. */
  private restUntil = 0;

  /** @param apply takes everything that waited, in order */
  constructor(
    private readonly apply: (batch: readonly T[]) => void,
    private readonly scheduler: Scheduler = browserScheduler,
  ) {}

  /** @param chars the frame's length as JSON */
  push(item: T, chars: number): void {
    this.waiting.push(item);
    this.chars += chars;
    if (this.chars > MAX_WAITING_CHARS) this.flush();
    else {
      const rest = this.restUntil - this.scheduler.now();
      this.due ??= this.scheduler.soon(() => this.flush(), Math.max(0, rest));
    }
  }

  /** Applies what waits, now. */
  flush(): void {
    this.due?.cancel();
    this.due = null;
    if (this.waiting.length === 0) return;
    const batch = this.waiting;
    this.waiting = [];
    this.chars = 0;
    const began = this.scheduler.now();
    this.apply(batch);
    this.scheduler.painted(() => {
      const now = this.scheduler.now();
      this.restUntil = now + Math.min(now - began, LONGEST_REST_MS);
    });
  }
}
