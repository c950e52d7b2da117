/** The tail by keyboard: arrows move, Enter opens, Escape closes, space holds and lets go. */
import type { KeyboardEvent } from "react";
import { keyOf } from "@/lib/live/eventWindow";
import type { StoredEvent } from "@/lib/live/protocol";
import { pauseTail, resumeTail, toggleOpen, useTail } from "@/stores/tail";

interface TailKeys {
  rows: readonly StoredEvent[];
  /** Key of the row the keyboard stands on. */
  current: string | null;
  setCurrent: (key: string | null) => void;
  scrollTo: (index: number) => void;
  /** Rows in one page. */
  pageRows: () => number;
}

export function useTailKeys({ rows, current, setCurrent, scrollTo, pageRows }: TailKeys) {
  const move = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[index];
    if (!row) return;
    pauseTail("reading");
    setCurrent(keyOf(row));
    scrollTo(index);
  };
  const letGo = () => {
    setCurrent(null);
    resumeTail();
  };

  return (event: KeyboardEvent<HTMLElement>) => {
    // Keys pressed on a button within an open event are that button's.
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey)
      return;
    const found = current === null ? -1 : rows.findIndex((row) => keyOf(row) === current);
    const at = found < 0 ? rows.length : found;
    const { pause, open } = useTail.getState();
    switch (event.key) {
      case " ":
        if (pause) letGo();
        else pauseTail("asked");
        break;
      case "ArrowUp":
        move(at - 1);
        break;
      case "ArrowDown":
        move(at + 1);
        break;
      case "PageUp":
        move(at - pageRows());
        break;
      case "PageDown":
        move(at + pageRows());
        break;
      case "Home":
        move(0);
        break;
      case "End":
        letGo();
        break;
      case "Enter":
        if (found >= 0 && current !== null) toggleOpen(current);
        break;
      case "Escape":
        if (open) toggleOpen(open);
        else letGo();
        break;
      default:
        return;
    }
    event.preventDefault();
  };
}

/** The element id of an event's row, for `aria-activedescendant`. */
export function tailRowId(key: string): string {
  return `event-${key}`;
}
