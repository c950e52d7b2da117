/**
 * The life of the page's one socket as plain transitions: connecting, open, waiting to try again,
 * signed out, stopped. Nothing here touches a socket or a timer; `stores/liveFeed.ts` does.
 */
import { backoffMs } from "./backoff";
import { verdictOf } from "./closeCodes";
import type { ByeFrame, WelcomeFrame } from "./protocol";

export type Link =
  | { readonly name: "idle" }
  | { readonly name: "connecting"; readonly attempt: number; readonly since: number }
  | {
      readonly name: "open";
      readonly attempt: number;
      readonly since: number;
      readonly epoch: string;
      readonly pingEveryMs: number;
      readonly heardAt: number;
      readonly pingedAt: number;
      readonly bye: ByeFrame | null;
    }
  | {
      readonly name: "waiting";
      readonly attempt: number;
      readonly retryAt: number;
      readonly why: string;
      /** The last attempt never got as far as a welcome: perhaps we may not come in at all. */
      readonly refused: boolean;
    }
  | { readonly name: "signed_out"; readonly why: string }
  | { readonly name: "stopped"; readonly why: string };

/** Silence for this many ping intervals means that the connection is dead. */
const SILENT_INTERVALS = 2.5;
/** A handshake that takes longer than this will not come to anything. */
const HANDSHAKE_MS = 10_000;
/** A connection that lasted this long was a good one: the next failure starts the back-off anew. */
const STEADY_MS = 10_000;

/** Code that the page itself closes with when it has heard nothing (protocol: no sign of life). */
export const NO_SIGN_OF_LIFE = 4012;
/** After so many refused attempts in a row the page names a likely reason. */
export const REFUSED_OFTEN = 3;

export function connecting(link: Link, now: number): Link {
  return { name: "connecting", attempt: attemptsOf(link), since: now };
}

export function welcomed(link: Link, frame: WelcomeFrame, now: number): Link {
  return {
    name: "open",
    attempt: attemptsOf(link),
    since: now,
    epoch: frame.epoch,
    pingEveryMs: Math.max(1, frame.ping_interval_s) * 1_000,
    heardAt: now,
    pingedAt: now,
    bye: null,
  };
}

/** Anything at all was received. */
export function heard(link: Link, now: number): Link {
  return link.name === "open" ? { ...link, heardAt: now } : link;
}

export function pinged(link: Link, now: number): Link {
  return link.name === "open" ? { ...link, pingedAt: now } : link;
}

/** The server says that, and how, it is about to close. */
export function farewell(link: Link, bye: ByeFrame): Link {
  return link.name === "open" ? { ...link, bye } : link;
}

export function pingIsDue(link: Link, now: number): boolean {
  return link.name === "open" && now - link.pingedAt >= link.pingEveryMs;
}

/** Whether the socket should be given up as dead. */
export function isSilent(link: Link, now: number): boolean {
  if (link.name === "connecting") return now - link.since >= HANDSHAKE_MS;
  return link.name === "open" && now - link.heardAt >= link.pingEveryMs * SILENT_INTERVALS;
}

/** The socket closed with `code`; `random` in [0, 1) spreads the next attempt. */
export function closed(link: Link, code: number, now: number, random: number): Link {
  if (link.name !== "open" && link.name !== "connecting") return link;
  const bye = link.name === "open" ? link.bye : null;
  const verdict = verdictOf(bye?.code ?? code);
  if (verdict.next === "sign_in") return { name: "signed_out", why: verdict.why };
  if (verdict.next === "stop" || bye?.reconnect === false) {
    return { name: "stopped", why: verdict.why };
  }
  const steady = link.name === "open" && now - link.since >= STEADY_MS;
  const attempt = steady ? 0 : link.attempt;
  return {
    name: "waiting",
    attempt: attempt + 1,
    retryAt: now + backoffMs(attempt, random, bye?.retry_after_ms),
    why: verdict.why,
    refused: link.name === "connecting",
  };
}

export function signedOut(why: string): Link {
  return { name: "signed_out", why };
}

function attemptsOf(link: Link): number {
  return link.name === "connecting" || link.name === "waiting" ? link.attempt : 0;
}
