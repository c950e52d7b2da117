/** Times as people read them: local on the page, UTC in the title, and "how long ago" in words. */

const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** "14:02:11.482", local. */
export function clockWithMs(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "–";
  return `${clockTime.format(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** "14:02:11", local, of a Unix time in ms. */
export function clock(ms: number): string {
  return clockTime.format(new Date(ms));
}

/** "Nov 23, 2026, 2:02:11 PM", local. */
export function fullLocal(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : fullTime.format(date);
}

/** "2026-11-23 13:02:11.482 UTC", for titles. */
export function utcTitle(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toISOString().replace("T", " ").replace("Z", " UTC");
}

/** "now", "12 s", "4 min", "3 h", "2 d": how long before `nowMs` it was. A future time is "now". */
export function ago(iso: string, nowMs: number): string {
  const then = Date.parse(iso);
  return Number.isNaN(then) ? "–" : duration(nowMs - then);
}

/** A length of time in one unit, whole: "now" below a second. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
