import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff";
import * as link from "./link";
import type { ByeFrame, WelcomeFrame } from "./protocol";

const WELCOME: WelcomeFrame = {
  type: "welcome",
  connection: "c1",
  epoch: "e1",
  ping_interval_s: 20,
};
const IDLE: link.Link = { name: "idle" };

function open(now = 0): link.Link {
  return link.welcomed(link.connecting(IDLE, now), WELCOME, now);
}

describe("back-off", () => {
  it("doubles from 1 s to 30 s, and takes any part of it", () => {
    expect([0, 1, 2, 3, 4, 5, 60].map((attempt) => backoffMs(attempt, 1))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    expect(backoffMs(5, 0)).toBe(0);
    expect(backoffMs(0, 0.5, 2_000)).toBe(2_500);
  });
});

describe("a closed connection", () => {
  it.each([1006, 1001, 4001, 4003, 4008, 4009, 4010, 4012])("is tried again after %i", (code) => {
    expect(link.closed(open(), code, 5_000, 0.5)).toMatchObject({
      name: "waiting",
      attempt: 1,
      retryAt: 5_500,
    });
  });

  it("asks for a new sign-in after 4500", () => {
    expect(link.closed(open(), 4500, 0, 0).name).toBe("signed_out");
  });

  it.each([4501, 4503, 4504])("is not tried again after %i", (code) => {
    expect(link.closed(open(), code, 0, 0).name).toBe("stopped");
  });

  it("goes by what the server said before it closed", () => {
    const bye: ByeFrame = {
      type: "bye",
      code: 4001,
      reason: "draining",
      reconnect: true,
      retry_after_ms: 700,
    };
    expect(link.closed(link.farewell(open(), bye), 1006, 0, 0)).toMatchObject({ retryAt: 700 });
    const final = { ...bye, reconnect: false };
    expect(link.closed(link.farewell(open(), final), 1000, 0, 0).name).toBe("stopped");
  });

  it("waits longer each time until a connection has lasted", () => {
    let state = link.closed(link.connecting(IDLE, 0), 1006, 0, 1);
    state = link.closed(link.connecting(state, 0), 1006, 0, 1);
    expect(state).toMatchObject({ name: "waiting", attempt: 2, retryAt: 2_000, refused: true });
    const brief = link.welcomed(link.connecting(state, 0), WELCOME, 0);
    expect(link.closed(brief, 1006, 3_000, 1)).toMatchObject({ attempt: 3, refused: false });
    expect(link.closed(brief, 1006, 60_000, 1)).toMatchObject({ attempt: 1 });
  });

  it("does not matter when it is not ours any more", () => {
    const out = link.signedOut("gone");
    expect(link.closed(out, 1006, 0, 0)).toBe(out);
  });
});

describe("signs of life", () => {
  it("are missed after two and a half ping intervals of silence", () => {
    const state = link.heard(open(), 1_000);
    expect(link.isSilent(state, 50_999)).toBe(false);
    expect(link.isSilent(state, 51_000)).toBe(true);
    expect(link.isSilent(link.connecting(IDLE, 0), 10_000)).toBe(true);
  });

  it("are given once an interval", () => {
    expect(link.pingIsDue(open(), 19_999)).toBe(false);
    expect(link.pingIsDue(open(), 20_000)).toBe(true);
    expect(link.pingIsDue(link.pinged(open(), 20_000), 39_999)).toBe(false);
  });
});
