/** How long to wait before the next attempt to connect. */

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/**
 * Full jitter: anything from nothing to 1 s, 2 s, 4 s … at most 30 s, so that a thousand pages that
 * lost the same server do not come back in the same instant.
 *
 * @param attempt how many attempts have failed since the last good connection, from 0
 * @param random a number in [0, 1)
 * @param atLeastMs what the server asked for, added before the jitter
 */
export function backoffMs(attempt: number, random: number, atLeastMs = 0): number {
  const cap = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(atLeastMs + random * cap);
}
