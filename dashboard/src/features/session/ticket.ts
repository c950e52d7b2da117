/** The one-use sign-in ticket that `script/server` prints as part of the page's address. */

/** The ticket in an address's fragment ("#ticket=…"), or null. */
export function ticketIn(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("ticket") || null;
}

/** Takes the ticket out of the address bar, so that it is neither kept in the history nor shared. */
export function takeTicket(): string | null {
  const ticket = ticketIn(location.hash);
  if (ticket) history.replaceState(null, "", location.pathname + location.search);
  return ticket;
}
