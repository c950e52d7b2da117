/**
 * The newest events of one view: each once, per agent in order, and never more than fit.
 *
 * An agent lives in one partition and offsets grow within it, so "per agent in order" is kept by
 * keeping each partition's rows in order of offset. What has been seen is exactly what is in the
 * window plus everything at or below the `floor` of its partition, so remembering it costs no more
 * memory than the window itself.
 */
import type { StoredEvent } from "./protocol";

export interface WindowLimits {
  /** Rows kept. */
  readonly rows: number;
  /** Characters of JSON kept, as an estimate of memory: an event's data may be 64 KiB. */
  readonly chars: number;
}

export interface EventWindow {
  /** In the order to show them, oldest first. Never changed in place. */
  readonly rows: readonly StoredEvent[];
  /** Estimated JSON characters of each row, beside `rows`. */
  readonly sizes: readonly number[];
  readonly chars: number;
  /** Per partition: the greatest offset that has left the window. */
  readonly floor: ReadonlyMap<number, number>;
  /** Per partition: the greatest offset in the window or below its floor. */
  readonly top: ReadonlyMap<number, number>;
  /** How many fresh events were ever merged in. */
  readonly total: number;
}

export const EMPTY_WINDOW: EventWindow = {
  rows: [],
  sizes: [],
  chars: 0,
  floor: new Map(),
  top: new Map(),
  total: 0,
};

export const VIEW_LIMITS: WindowLimits = { rows: 5_000, chars: 24_000_000 };

const NOWHERE = -1;

/**
 * Merges `incoming` (in order per partition, possibly seen before) into the window.
 *
 * @param sizeEach estimated JSON characters of one incoming event
 * @returns the window after, and the events that were not seen before, in their incoming order
 */
export function merge(
  window: EventWindow,
  incoming: readonly StoredEvent[],
  sizeEach: number,
  limits: WindowLimits = VIEW_LIMITS,
): { window: EventWindow; fresh: StoredEvent[] } {
  const { fresh, late } = sift(window, incoming);
  if (fresh.length === 0) return { window, fresh };

  const top = new Map(window.top);
  for (const event of fresh) {
    top.set(event.partition, Math.max(top.get(event.partition) ?? NOWHERE, event.offset));
  }
  let rows = window.rows.concat(fresh);
  let sizes = window.sizes.concat(fresh.map(() => sizeEach));
  if (late) [rows, sizes] = inPartitionOrder(rows, sizes);
  const merged: EventWindow = {
    rows,
    sizes,
    chars: window.chars + fresh.length * sizeEach,
    floor: window.floor,
    top,
    total: window.total + fresh.length,
  };
  return { window: evict(merged, limits), fresh };
}

/** Which of `incoming` are new, and whether any of them belongs before a row that is already there. */
function sift(window: EventWindow, incoming: readonly StoredEvent[]) {
  const fresh: StoredEvent[] = [];
  const top = new Map(window.top);
  // Only a late event needs to know every key that is held; most batches have none.
  let held: Set<string> | null = null;
  let late = false;
  for (const event of incoming) {
    if (event.offset > (top.get(event.partition) ?? NOWHERE)) {
      top.set(event.partition, event.offset);
      held?.add(keyOf(event));
      fresh.push(event);
    } else if (event.offset > (window.floor.get(event.partition) ?? NOWHERE)) {
      held ??= new Set([...window.rows, ...fresh].map(keyOf));
      if (held.has(keyOf(event))) continue;
      held.add(keyOf(event));
      fresh.push(event);
      late = true;
    }
  }
  return { fresh, late };
}

/**
 * Puts each partition's rows in order of offset while every place in the list keeps its partition:
 * late rows move other rows of their own partition only.
 */
function inPartitionOrder(
  rows: readonly StoredEvent[],
  sizes: readonly number[],
): [StoredEvent[], number[]] {
  const places = new Map<number, number[]>();
  rows.forEach((row, place) => {
    const list = places.get(row.partition);
    if (list) list.push(place);
    else places.set(row.partition, [place]);
  });
  const orderedRows = rows.slice();
  const orderedSizes = sizes.slice();
  for (const list of places.values()) {
    const sorted = list
      .map((place) => ({ row: rows[place] as StoredEvent, size: sizes[place] as number }))
      .sort((a, b) => a.row.offset - b.row.offset);
    list.forEach((place, index) => {
      const entry = sorted[index];
      if (!entry) return;
      orderedRows[place] = entry.row;
      orderedSizes[place] = entry.size;
    });
  }
  return [orderedRows, orderedSizes];
}

/** Lets go of the oldest rows until the limits hold; the newest row always stays. */
function evict(window: EventWindow, limits: WindowLimits): EventWindow {
  let leave = Math.max(0, window.rows.length - limits.rows);
  let chars = window.chars;
  for (let i = 0; i < leave; i++) chars -= window.sizes[i] ?? 0;
  while (chars > limits.chars && leave < window.rows.length - 1) {
    chars -= window.sizes[leave] ?? 0;
    leave++;
  }
  if (leave === 0) return window;
  const floor = new Map(window.floor);
  for (const row of window.rows.slice(0, leave)) {
    floor.set(row.partition, Math.max(floor.get(row.partition) ?? NOWHERE, row.offset));
  }
  return {
    ...window,
    rows: window.rows.slice(leave),
    sizes: window.sizes.slice(leave),
    chars,
    floor,
  };
}

/** The name of an event within an epoch. */
export function keyOf(event: { partition: number; offset: number }): string {
  return `${event.partition}:${event.offset}`;
}
