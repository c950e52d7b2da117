/** What each way of being disconnected means for the page (protocol: close codes). */

export type CloseVerdict =
  | { readonly next: "reconnect"; readonly why: string }
  | { readonly next: "sign_in"; readonly why: string }
  | { readonly next: "stop"; readonly why: string };

const VERDICTS: Readonly<Record<number, CloseVerdict>> = {
  4001: { next: "reconnect", why: "The server is restarting." },
  4003: { next: "reconnect", why: "The connection's credential ran out." },
  4008: { next: "reconnect", why: "This page asked for too much at once." },
  4009: { next: "reconnect", why: "This page could not keep up with the stream." },
  4010: { next: "reconnect", why: "A gap was found in the stream." },
  4012: { next: "reconnect", why: "Nothing was heard from the server." },
  4500: { next: "sign_in", why: "Your session has ended." },
  4501: { next: "stop", why: "The server did not understand this page. Reload it." },
  4503: { next: "stop", why: "Another connection took this one's place." },
  4504: { next: "stop", why: "Too many live connections are open. Close another page first." },
};

/** Codes we do not know are trouble on the way (1006 above all), and worth another attempt. */
const UNKNOWN: CloseVerdict = { next: "reconnect", why: "The connection was lost." };

/** What to do about a connection that was closed with `code`. */
export function verdictOf(code: number): CloseVerdict {
  return VERDICTS[code] ?? UNKNOWN;
}
