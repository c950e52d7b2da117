/**
 * The server's clock as seen from here. Every live event carries the moment it was received there;
 * the smallest difference to the moment it came here is the two clocks' offset (and the shortest way).
 */
export class ServerClock {
  private offsetMs: number | null = null;

  /** An event the server received at `receivedAt` reached the page at `nowMs`. */
  observe(receivedAt: string, nowMs: number): void {
    const difference = nowMs - Date.parse(receivedAt);
    if (Number.isNaN(difference)) return;
    this.offsetMs = this.offsetMs === null ? difference : Math.min(this.offsetMs, difference);
  }

  /** A new connection: perhaps this machine's clock was set since. */
  forget(): void {
    this.offsetMs = null;
  }

  /** What the server's clock shows when the page's shows `nowMs`. */
  at(nowMs: number): number {
    return nowMs - (this.offsetMs ?? 0);
  }
}
