import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { METER_SECONDS, RateMeter } from "./rateMeter";

const NOW = 1_795_000_000;

describe("RateMeter", () => {
  it("counts each event in its own second, however late it comes", () => {
    const seconds = fc.array(fc.integer({ min: NOW - METER_SECONDS + 1, max: NOW }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(seconds, (all) => {
        const meter = new RateMeter();
        for (const second of all) meter.count("a", second);
        const newest = Math.max(...all, 0);
        const series = meter.series(null, NOW + 1) ?? new Array(METER_SECONDS - 1).fill(0);
        series.forEach((count, i) => {
          const second = NOW + 1 - series.length + i;
          const kept = second > newest - METER_SECONDS;
          expect(count).toBe(kept ? all.filter((s) => s === second).length : 0);
        });
      }),
    );
  });

  it("reads a mean over whole seconds, of one agent and of all", () => {
    const meter = new RateMeter();
    for (let back = 1; back <= 5; back++) meter.count("a", NOW - back);
    meter.count("b", NOW - 1);
    expect(meter.rate("a", NOW)).toBe(1);
    expect(meter.rate(null, NOW)).toBe(1.2);
    expect(meter.rate("nobody", NOW)).toBe(0);
  });

  it("knows nothing of what is older than a minute, and lets go of it", () => {
    const meter = new RateMeter();
    meter.count("a", NOW - 2 * METER_SECONDS);
    expect(meter.series("a", NOW)).toBeNull();
    meter.sweep(NOW);
    expect(meter.rate("a", NOW - 2 * METER_SECONDS + 1)).toBe(0);
  });
});
