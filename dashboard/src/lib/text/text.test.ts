import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anEvent } from "@/lib/live/testEvents";
import { bytes, percent, plural, rate, shortCount } from "./format";
import { tokensOf } from "./jsonTokens";
import { plainText } from "./plainText";
import { summarise } from "./summary";
import { ago, duration, utcTitle } from "./time";

describe("plainText", () => {
  it("shows what a terminal would have left", () => {
    expect(plainText("\u001b[32mok\u001b[0m \u001b]0;title\u0007done")).toBe("ok done");
    expect(plainText("10%\r50%\r100%\nnext\r\n")).toBe("100%\nnext\n");
    expect(plainText("typo\b\b\bhe")).toBe("the");
    expect(plainText("a\tb\nc")).toBe("a\tb\nc");
  });

  it("takes a long line with one control character in no time", () => {
    const began = performance.now();
    plainText(`${"x".repeat(500_000)}\u0007`);
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe("summarise", () => {
  it.each([
    ["agent.log", { message: "hello\n  world" }, { main: "hello world", rest: "" }],
    ["agent.status", { status: "idle", note: "waiting" }, { main: "idle", rest: "waiting" }],
    [
      "agent.metric",
      { cpu_pct: 3.0625, memory_bytes: 2_097_152, queue: 3 },
      { main: "", rest: "cpu 3.1%  memory 2.0 MB  queue=3" },
    ],
    ["tool.called", { step: 1, command: "ls" }, { main: "ls", rest: "step=1" }],
    ["anything.else", { list: [1, 2], none: null }, { main: "", rest: "list=[1,2]" }],
  ])("says %s in a line", (type, data, expected) => {
    expect(summarise(anEvent({ type, data }))).toEqual(expected);
  });

  it("stays short whatever the data", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
        const { main, rest } = summarise(anEvent({ data: data as Record<string, unknown> }));
        expect(main.length).toBeLessThanOrEqual(400);
        expect(rest.length).toBeLessThanOrEqual(400);
      }),
    );
  });
});

describe("tokensOf", () => {
  it("loses no character of any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.stringify(value, null, 2);
        expect(
          tokensOf(json)
            .map((token) => token.text)
            .join(""),
        ).toBe(json);
      }),
    );
  });

  it("tells keys from strings", () => {
    const kinds = tokensOf('{"a": "b", "n": -1.5e3, "t": true}').filter((t) => t.kind !== "plain");
    expect(kinds.map((token) => [token.kind, token.text])).toEqual([
      ["key", '"a"'],
      ["string", '"b"'],
      ["key", '"n"'],
      ["number", "-1.5e3"],
      ["key", '"t"'],
      ["word", "true"],
    ]);
  });
});

describe("numbers and times", () => {
  it("take as little room as they need", () => {
    expect([0, 0.4, 9.96, 12.4, 1_234].map(rate)).toEqual(["0", "0.4", "10.0", "12", "1,234"]);
    expect([512, 34 * 1_048_576, 1.25 * 2 ** 30].map(bytes)).toEqual(["512 B", "34 MB", "1.3 GB"]);
    expect([1, 2_000].map((n) => plural(n, "event"))).toEqual(["1 event", "2,000 events"]);
    expect([shortCount(9_999), shortCount(12_345), percent(5), percent(50)]).toEqual([
      "9,999",
      "12.3K",
      "5.0%",
      "50%",
    ]);
  });

  it("say how long ago, and never that it is still to come", () => {
    expect([200, 5_000, 125_000, 7_200_000, 200_000_000].map(duration)).toEqual([
      "now",
      "5 s",
      "2 min",
      "2 h",
      "2 d",
    ]);
    expect(ago("2026-11-23T10:00:09.000Z", Date.parse("2026-11-23T10:00:00.000Z"))).toBe("now");
    expect(ago("nonsense", 0)).toBe("–");
    expect(utcTitle("2026-11-23T10:00:09.123456Z")).toBe("2026-11-23 10:00:09.123 UTC");
  });
});
