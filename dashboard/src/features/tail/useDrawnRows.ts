/**
 * Which rows of the tail are drawn, and where. While the tail is followed these are the last ones, as
 * many as fit; while it stands still, those around the place that was scrolled to.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useLayoutEffect, useState } from "react";
import { type EventWindow, keyOf } from "@/lib/live/eventWindow";

export interface DrawnRow {
  readonly index: number;
  /** Distance from the list's beginning, px. */
  readonly top: number;
  /**
   * Names the row's element. A row keeps its element while it is drawn, and the next new row takes
   * over the element of one that has left: at thousands of events a second, making elements is
   * what costs.
   */
  readonly slot: number;
}

/** More rows than are ever drawn at once. */
const SLOTS = 256;
const OVERSCAN = 10;

export function useDrawnRows(
  window: EventWindow,
  following: boolean,
  rowHeight: number,
  scroller: RefObject<HTMLElement | null>,
) {
  const { rows } = window;
  const inSight = useHeight(scroller);
  const virtual = useVirtualizer({
    count: following ? 0 : rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: useCallback(
      (index: number) => {
        const row = rows[index];
        return row ? keyOf(row) : index;
      },
      [rows],
    ),
    overscan: OVERSCAN,
  });
  // Counts on while rows leave at the other end, so that a row keeps its slot.
  const first = window.total - rows.length;
  const slotOf = (index: number) => (first + index) % SLOTS;

  let drawn: DrawnRow[];
  if (following) {
    const fit = Math.min(SLOTS, Math.ceil(inSight / rowHeight) + 1);
    const from = Math.max(0, rows.length - fit);
    drawn = rows.slice(from).map((_, i) => {
      const index = from + i;
      return { index, top: index * rowHeight, slot: slotOf(index) };
    });
  } else {
    drawn = virtual
      .getVirtualItems()
      .map(({ index, start }) => ({ index, top: start, slot: slotOf(index) }));
  }
  return {
    drawn,
    /** Of the whole list, px. */
    height: following ? rows.length * rowHeight : virtual.getTotalSize(),
    /** How much of the list is in sight, px. */
    inSight,
    /** How many rows came before the first of the window. */
    first,
    measure: virtual.measureElement,
    scrollTo: (index: number) => virtual.scrollToIndex(index, { align: "auto" }),
  };
}

/** How high the element is, px. The virtualizer knows, but says so only when its own rows change. */
function useHeight(element: RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(0);
  useLayoutEffect(() => {
    const shown = element.current;
    if (!shown) return;
    const measure = () => setHeight(shown.clientHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(shown);
    return () => observer.disconnect();
  }, [element]);
  return height;
}
