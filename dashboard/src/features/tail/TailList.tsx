/** The tail's rows: newest at the bottom, followed until somebody scrolls up, reads or pauses. */
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react";
import { keyOf } from "@/lib/live/eventWindow";
import type { TailFilter } from "@/lib/live/tailFilter";
import { shortCount } from "@/lib/text/format";
import { Button } from "@/lib/ui/Button";
import { Icon } from "@/lib/ui/Icon";
import { NARROW, useMediaQuery } from "@/lib/ui/useMediaQuery";
import {
  pauseTail,
  resumeTail,
  shownWindow,
  toggleOpen,
  useTail,
  waitingCount,
} from "@/stores/tail";
import { EventDetail } from "./EventDetail";
import styles from "./TailList.module.css";
import { TailRow } from "./TailRow";
import { useDrawnRows } from "./useDrawnRows";
import { tailRowId, useTailKeys } from "./useTailKeys";

const ROW_HEIGHT = 26;
const NARROW_ROW_HEIGHT = 46;
/** As close to the end as counts for being there, px. */
const AT_END = 8;

interface TailListProps {
  filter: TailFilter;
  onFilter: (filter: TailFilter) => void;
}

export function TailList({ filter, onFilter }: TailListProps) {
  const shown = useTail(shownWindow);
  const { rows } = shown;
  const pause = useTail((tail) => tail.pause);
  const open = useTail((tail) => tail.open);
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(null);
  const rowHeight = useMediaQuery(NARROW) ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const following = pause === null;
  const { drawn, height, inSight, first, measure, scrollTo } = useDrawnRows(
    shown,
    following,
    rowHeight,
    scroller,
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: the end moves when the list grows or its pane changes
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && following) element.scrollTop = element.scrollHeight;
  }, [height, inSight, following]);
  useHoldWhenScrolled(scroller);

  const onKeyDown = useTailKeys({
    rows,
    current,
    setCurrent,
    scrollTo,
    pageRows: () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1),
  });
  const activate = useCallback((key: string) => {
    setCurrent(key);
    toggleOpen(key);
  }, []);
  const onlyAgent = useCallback(
    (agentId: string) => onFilter({ ...filter, agents: [agentId] }),
    [filter, onFilter],
  );

  let active: string | null = null;
  const items = drawn.map(({ index, top, slot }) => {
    const event = rows[index];
    if (!event) return null;
    const key = keyOf(event);
    const isOpen = key === open;
    if (key === current) active = key;
    return (
      <div
        key={slot}
        role="presentation"
        data-index={index}
        ref={isOpen ? measure : undefined}
        className={styles.item}
        style={{ top }}
      >
        <TailRow
          event={event}
          number={first + index + 1}
          open={isOpen}
          current={key === current}
          marked={filter.text}
          onActivate={activate}
          onAgent={onlyAgent}
        />
        {isOpen && <EventDetail key={key} event={event} filter={filter} onFilter={onFilter} />}
      </div>
    );
  });

  return (
    <div className={styles.frame}>
      <div
        ref={scroller}
        className={styles.scroller}
        role="treegrid"
        aria-label="Events, newest last"
        aria-rowcount={-1}
        aria-activedescendant={active === null ? undefined : tailRowId(active)}
        tabIndex={0}
        onKeyDown={onKeyDown}
        // Whoever presses on a row means that one: it must not move away under the pointer.
        onPointerDown={() => pauseTail("reading")}
      >
        <div role="presentation" className={styles.list} style={{ height }}>
          {items}
        </div>
      </div>
      {pause?.reason === "reading" && open === null && <BackToLive />}
    </div>
  );
}

function BackToLive() {
  const waiting = useTail(waitingCount);
  return (
    <Button look="primary" className={styles.back} onClick={resumeTail}>
      <Icon name="down" size={14} />
      {waiting > 0 ? `${shortCount(waiting)} new` : "Back to live"}
    </Button>
  );
}

/** Scrolling up holds the tail still; scrolling back to the end lets it go on. */
function useHoldWhenScrolled(scroller: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let last = element.scrollTop;
    const scrolled = () => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      const toEnd = scrollHeight - clientHeight - scrollTop;
      const { pause, open } = useTail.getState();
      if (scrollTop < last && toEnd > AT_END) pauseTail("reading");
      else if (scrollTop > last && toEnd <= 1 && pause?.reason === "reading" && !open) resumeTail();
      last = scrollTop;
    };
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => element.removeEventListener("scroll", scrolled);
  }, [scroller]);
}
