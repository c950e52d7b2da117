/** Numbers as people read them, in as little room as they need. */

const whole = new Intl.NumberFormat("en-US");
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** "1,234". */
export function count(n: number): string {
  return whole.format(n);
}

/** "1,234", and from ten thousand on "12.3K". */
export function shortCount(n: number): string {
  return n < 10_000 ? whole.format(n) : compact.format(n);
}

/** Events per second: "0", "0.4", "12", "1,234". */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  return perSecond < 10 ? perSecond.toFixed(1) : whole.format(Math.round(perSecond));
}

/** "12.5%" below ten with one digit, above whole. */
export function percent(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}%`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** "512 B", "34 MB", "1.2 GB", in steps of 1024. */
export function bytes(value: number): string {
  let amount = value;
  let unit = 0;
  while (amount >= 1_000 && unit < UNITS.length - 1) {
    amount /= 1_024;
    unit++;
  }
  const digits = amount < 10 && unit > 1 ? 1 : 0;
  return `${amount.toFixed(digits)} ${UNITS[unit]}`;
}

/** "1 event", "2,000 events". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${whole.format(n)} ${n === 1 ? one : many}`;
}
