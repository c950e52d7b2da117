/** The fleet as a table: sorted, searched, thousands of rows of which only those in sight are drawn. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { classNames } from "@/lib/ui/classNames";
import { Icon } from "@/lib/ui/Icon";
import { NARROW, useMediaQuery } from "@/lib/ui/useMediaQuery";
import { useThrottled } from "@/lib/ui/useThrottled";
import { useKnownSecond, useServerNow } from "@/stores/clock";
import { meter, useFleet } from "@/stores/fleet";
import { sortBy, useFleetView } from "@/stores/fleetView";
import { arrange } from "./arrange";
import { COLUMNS } from "./columns";
import { FleetRow, rowId } from "./FleetRow";
import styles from "./FleetTable.module.css";

const ROW_HEIGHT = 34;
const NARROW_ROW_HEIGHT = 58;
/** Faster than this nobody reads; slower looks stuck. */
const REDRAW_MS = 250;

interface FleetTableProps {
  /** Agents the tail is filtered for. */
  chosen: readonly string[];
  onChoose: (agentId: string) => void;
}

export function FleetTable({ chosen, onChoose }: FleetTableProps) {
  const agents = useThrottled(useFleet, (state) => state.agents, REDRAW_MS);
  const now = useServerNow();
  const second = useKnownSecond();
  const ids = useOrder(agents, second);
  const narrow = useMediaQuery(NARROW);
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(null);
  const height = narrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const rows = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => ids[index] ?? index,
    overscan: 8,
  });

  const move = (to: number) => {
    const index = Math.max(0, Math.min(ids.length - 1, to));
    setCurrent(ids[index] ?? null);
    rows.scrollToIndex(index);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = current === null ? -1 : ids.indexOf(current);
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1);
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: ids.length - 1,
    };
    const to = steps[event.key];
    if (to !== undefined) move(to);
    else if (event.key === "Enter" && current !== null) onChoose(current);
    else return;
    event.preventDefault();
  };
  const drawn = rows.getVirtualItems();
  const active = drawn.some((item) => item.key === current) ? current : null;

  return (
    <div
      ref={scroller}
      className={styles.scroller}
      role="grid"
      aria-label="Agents"
      aria-rowcount={ids.length + 1}
      aria-colcount={COLUMNS.length}
      aria-activedescendant={active === null ? undefined : rowId(active)}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <Header />
      {ids.length === 0 && agents.size > 0 && <NoMatch />}
      <div role="rowgroup" className={styles.list} style={{ height: rows.getTotalSize() }}>
        {drawn.map((item) => {
          const id = ids[item.index];
          const agent = id === undefined ? undefined : agents.get(id);
          return (
            agent && (
              <FleetRow
                key={item.key}
                agent={agent}
                index={item.index}
                top={item.start}
                now={now}
                second={second}
                chosen={chosen.includes(agent.agent_id)}
                current={active === agent.agent_id}
                onChoose={onChoose}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

function NoMatch() {
  return (
    <div role="rowgroup">
      <div role="row" className={styles.none}>
        <span role="gridcell">No agent matches.</span>
      </div>
    </div>
  );
}

function Header() {
  const { column: sorted, descending } = useFleetView();
  return (
    <div role="rowgroup" className={styles.head}>
      <div role="row" className={styles.row} aria-rowindex={1}>
        {COLUMNS.map(({ id, title, meaning, number }) => {
          const here = id === sorted;
          return (
            <span
              key={id}
              role="columnheader"
              className={classNames(styles[id === "agent" ? "agent" : id], number && styles.number)}
              aria-sort={here ? (descending ? "descending" : "ascending") : "none"}
            >
              <button type="button" title={meaning} onClick={() => sortBy(id)}>
                {title}
                <span
                  className={classNames(
                    styles.order,
                    here && styles.here,
                    descending && styles.descending,
                  )}
                >
                  <Icon name="caret" size={12} />
                </span>
              </button>
            </span>
          );
        })}
      </div>
    </div>
  );
}

/** The order of the rows, looked at once a second: rows that jump cannot be read. */
function useOrder(
  agents: ReturnType<typeof useFleet.getState>["agents"],
  second: number,
): string[] {
  const view = useFleetView();
  const latest = useRef(agents);
  latest.current = agents;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the number of agents stands for their set
  return useMemo(
    () => arrange(latest.current, view, (id) => meter.rate(id, second)),
    [agents.size, view, second],
  );
}
