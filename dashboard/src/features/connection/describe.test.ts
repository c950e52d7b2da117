import { expect, describe as group, it } from "vitest";
import type { Link } from "@/lib/live/link";
import { ageOf, describe, type Situation } from "./describe";

const OPEN: Link = {
  name: "open",
  attempt: 0,
  since: 0,
  epoch: "e",
  pingEveryMs: 20_000,
  heardAt: 0,
  pingedAt: 0,
  bye: null,
};
const WAITING: Link = { name: "waiting", attempt: 1, retryAt: 4_200, why: "Lost.", refused: false };
const LIVE = { phase: "live", missed: 0, received: 0 } as const;

function inWords(part: Partial<Situation>) {
  return describe({ link: OPEN, progress: [LIVE, null], networkDown: false, now: 0, ...part });
}

group("the connection in words", () => {
  it("is live", () => expect(inWords({})).toMatchObject({ label: "Live", tone: "good" }));

  it("counts down what is still to come", () => {
    const behind = { phase: "catch_up", missed: 1_500, received: 300 } as const;
    expect(inWords({ progress: [behind, null] }).label).toBe("Catching up 1,200");
  });

  it("does not flicker when a filter changes", () => {
    const asked = { phase: "waiting", missed: 0, received: 0 } as const;
    expect(inWords({ progress: [LIVE, asked] }).label).toBe("Live");
  });

  it("counts the seconds to the next attempt, and offers not to wait", () => {
    expect(inWords({ link: WAITING })).toMatchObject({
      label: "Reconnecting in 5 s",
      action: "Now",
    });
    expect(inWords({ link: WAITING, now: 9_000 }).label).toBe("Reconnecting in 0 s");
    expect(inWords({ link: WAITING, networkDown: true }).label).toBe("Offline");
  });

  it("names a likely reason when it is refused again and again", () => {
    const refused = { ...WAITING, attempt: 3, refused: true };
    expect(inWords({ link: refused }).why).toContain("ALLOWED_ORIGINS");
  });

  it("says how old the picture is", () => {
    expect(ageOf(null, 0, true)).toBe("nothing yet");
    expect(ageOf(0, 3_000, true)).toBe("up to date");
    expect(ageOf(0, 3_000, false)).toBe("3 s old");
    expect(ageOf(0, 90_000, true)).toBe("1 min old");
  });
});
