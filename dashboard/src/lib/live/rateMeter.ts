/**
 * Events per second, of each agent and of all, over the last minute. A ring of one-second buckets
 * by the server's clock: what arrives late is counted in the second it belongs to.
 */

export const METER_SECONDS = 60;
/** A rate is read over this many whole seconds, so that one burst does not make it jump. */
const READ_SECONDS = 5;

interface Ring {
  counts: Uint32Array;
  /** The newest second that has been written. */
  second: number;
}

export class RateMeter {
  private readonly rings = new Map<string, Ring>();
  private all: Ring = newRing();

  /** Counts one event of `key` in `second` (Unix seconds). */
  count(key: string, second: number): void {
    let ring = this.rings.get(key);
    if (!ring) {
      ring = newRing();
      this.rings.set(key, ring);
    }
    add(ring, second);
    add(this.all, second);
  }

  /** Events per second of `key` (null: of all) over the whole seconds before `second`. */
  rate(key: string | null, second: number): number {
    const ring = this.ringOf(key);
    if (!ring) return 0;
    let sum = 0;
    for (let back = 1; back <= READ_SECONDS; back++) sum += at(ring, second - back);
    return sum / READ_SECONDS;
  }

  /** The last `length` whole seconds before `second`, oldest first; null when nothing came in them. */
  series(key: string | null, second: number, length: number = METER_SECONDS - 1): number[] | null {
    const ring = this.ringOf(key);
    if (!ring || ring.second < second - length) return null;
    return Array.from({ length }, (_, i) => at(ring, second - length + i));
  }

  /** Lets go of agents that sent nothing for a minute. */
  sweep(second: number): void {
    for (const [key, ring] of this.rings) {
      if (ring.second < second - METER_SECONDS) this.rings.delete(key);
    }
  }

  clear(): void {
    this.rings.clear();
    this.all = newRing();
  }

  private ringOf(key: string | null): Ring | undefined {
    return key === null ? this.all : this.rings.get(key);
  }
}

function newRing(): Ring {
  return { counts: new Uint32Array(METER_SECONDS), second: 0 };
}

function add(ring: Ring, second: number): void {
  if (second > ring.second) {
    const stale = Math.min(second - ring.second, METER_SECONDS);
    for (let back = 0; back < stale; back++) ring.counts[(second - back) % METER_SECONDS] = 0;
    ring.second = second;
  }
  if (second <= ring.second - METER_SECONDS) return;
  const place = second % METER_SECONDS;
  ring.counts[place] = (ring.counts[place] ?? 0) + 1;
}

function at(ring: Ring, second: number): number {
  if (second > ring.second || second <= ring.second - METER_SECONDS) return 0;
  return ring.counts[second % METER_SECONDS] ?? 0;
}
