/** The connection in words: what the pill in the header says, and what can be done about it. */

import { type Link, REFUSED_OFTEN } from "@/lib/live/link";
import type { Subscription } from "@/lib/live/subscription";
import { count, plural } from "@/lib/text/format";
import { duration } from "@/lib/text/time";

export type Tone = "good" | "busy" | "bad";

export interface Description {
  readonly tone: Tone;
  readonly label: string;
  /** The same in a word or two, for a narrow page. */
  readonly short: string;
  /** Why, in a sentence, for the title. */
  readonly why: string;
  readonly action: "Now" | "Try again" | null;
}

export interface Situation {
  readonly link: Link;
  /** Of the subscription with everything, then of the filtered tail's. */
  readonly progress: readonly (Pick<Subscription, "phase" | "missed" | "received"> | null)[];
  readonly networkDown: boolean;
  /** Unix ms. */
  readonly now: number;
}

export function describe({ link, progress, networkDown, now }: Situation): Description {
  switch (link.name) {
    case "idle":
    case "connecting":
      return busy("Connecting…", "Opening the live connection.");
    case "open":
      return describeOpen(progress);
    case "waiting":
      return waiting(link, networkDown, now);
    case "signed_out":
      return {
        tone: "bad",
        label: "Signed out",
        short: "Signed out",
        why: link.why,
        action: "Try again",
      };
    case "stopped":
      return {
        tone: "bad",
        label: "Disconnected",
        short: "Stopped",
        why: link.why,
        action: "Try again",
      };
  }
}

function describeOpen(progress: Situation["progress"]): Description {
  const behind = progress.filter((state) => state && state.phase !== "live");
  const left = behind.reduce(
    (sum, s) => sum + Math.max(0, (s?.missed ?? 0) - (s?.received ?? 0)),
    0,
  );
  // A new filter's subscription answers at once; only the one with everything is worth a word then.
  if (left === 0 && progress[0]?.phase === "live") {
    return {
      tone: "good",
      label: "Live",
      short: "Live",
      why: "Events are shown as they come.",
      action: null,
    };
  }
  if (left === 0) return busy("Catching up…", "Reading what happened before.");
  return {
    ...busy(`Catching up ${count(left)}`, `${plural(left, "event")} still to come.`),
    short: `+${count(left)}`,
  };
}

function waiting(
  link: Extract<Link, { name: "waiting" }>,
  networkDown: boolean,
  now: number,
): Description {
  const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1_000));
  const often = link.refused && link.attempt >= REFUSED_OFTEN;
  return {
    tone: "bad",
    label: networkDown ? "Offline" : `Reconnecting in ${seconds} s`,
    short: networkDown ? "Offline" : `${seconds} s`,
    why: often
      ? `The server has not let this page in ${link.attempt} times. Is it running, and is this address in ALLOWED_ORIGINS?`
      : link.why,
    action: "Now",
  };
}

function busy(label: string, why: string): Description {
  return { tone: "busy", label, short: "…", why, action: null };
}

/** The server speaks every few seconds; a picture this young is as good as the present. */
const FRESH_MS = 8_000;

/** How old the picture is: "up to date", or by how much it is behind. */
export function ageOf(heardAt: number | null, now: number, connected: boolean): string {
  if (heardAt === null) return "nothing yet";
  const age = now - heardAt;
  if (connected && age < FRESH_MS) return "up to date";
  return `${duration(Math.max(age, 1_000))} old`;
}
