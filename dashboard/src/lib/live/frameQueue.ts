/**
 * Frames wait here for the next animation frame, so that a burst costs the page one update. A hidden
 * tab gets no animation frames: a timer stands in for them, and past a bound nobody waits at all.
 */

/** Longest wait when no animation frame comes. */
const FALLBACK_MS = 250;
/** What may wait, in characters of JSON; beyond it the queue is applied at once. */
const MAX_WAITING_CHARS = 2_000_000;

export interface Scheduler {
  /** Calls back once, before the next paint or after `fallbackMs`, whichever comes first. */
  soon(callback: () => void, fallbackMs: number): { cancel(): void };
}

export const browserScheduler: Scheduler = {
  soon(callback, fallbackMs) {
    const cancel = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
    const run = () => {
      cancel();
      callback();
    };
    const frame = requestAnimationFrame(run);
    const timer = setTimeout(run, fallbackMs);
    return { cancel };
  },
};

export class FrameQueue<T> {
  private waiting: T[] = [];
  private chars = 0;
  private due: { cancel(): void } | null = null;

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
    else this.due ??= this.scheduler.soon(() => this.flush(), FALLBACK_MS);
  }

  /** Applies what waits, now. */
  flush(): void {
    this.due?.cancel();
    this.due = null;
    if (this.waiting.length === 0) return;
    const batch = this.waiting;
    this.waiting = [];
    this.chars = 0;
    this.apply(batch);
  }
}
