/** The tail's rows: newest at the bottom, followed until somebody scrolls up, reads or pauses. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useLayoutEffect, useRef, useState } from "react";
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
  const rows = useTail((tail) => shownWindow(tail).rows);
  const pause = useTail((tail) => tail.pause);
  const open = useTail((tail) => tail.open);
  const narrow = useMediaQuery(NARROW);
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(null);
  const height = narrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT;

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: useCallback(
      (index: number) => {
        const row = rows[index];
        return row ? keyOf(row) : index;
      },
      [rows],
    ),
    overscan: 24,
  });
  const drawn = virtual.getVirtualItems();

  const following = pause === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: new rows, and a new row height, move the end
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && following) element.scrollTop = element.scrollHeight;
  }, [rows, following, height]);
  useHoldWhenScrolled(scroller);

  const onKeyDown = useTailKeys({
    rows,
    current,
    setCurrent,
    scrollTo: (index) => virtual.scrollToIndex(index, { align: "auto" }),
    pageRows: () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1),
  });
  const activate = useCallback((key: string) => {
    setCurrent(key);
    toggleOpen(key);
  }, []);
  const onlyAgent = useCallback(
    (agentId: string) => onFilter({ ...filter, agents: [agentId] }),
    [filter, onFilter],
  );
  const active = drawn.some((item) => item.key === current) ? current : null;

  return (
    <div className={styles.frame}>
      <div
        ref={scroller}
        className={styles.scroller}
        role="treegrid"
        aria-label="Events, newest last"
        aria-rowcount={rows.length}
        aria-activedescendant={active === null ? undefined : tailRowId(active)}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div role="presentation" className={styles.list} style={{ height: virtual.getTotalSize() }}>
          {drawn.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const isOpen = item.key === open;
            return (
              <div
                key={item.key}
                role="presentation"
                data-index={item.index}
                ref={isOpen ? virtual.measureElement : undefined}
                className={styles.item}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <TailRow
                  event={row}
                  index={item.index}
                  open={isOpen}
                  current={item.key === active}
                  marked={filter.text}
                  onActivate={activate}
                  onAgent={onlyAgent}
                />
                {isOpen && <EventDetail event={row} filter={filter} onFilter={onFilter} />}
              </div>
            );
          })}
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
function useHoldWhenScrolled(scroller: React.RefObject<HTMLDivElement | null>): void {
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
