/** One event as a line: when, how grave, what, who, and its one sentence. */
import { memo } from "react";
import { keyOf } from "@/lib/live/eventWindow";
import type { Severity, StoredEvent } from "@/lib/live/protocol";
import { summarise } from "@/lib/text/summary";
import { clockWithMs, utcTitle } from "@/lib/text/time";
import { classNames } from "@/lib/ui/classNames";
import { MiddleText } from "@/lib/ui/MiddleText";
import { Marked } from "./Marked";
import styles from "./TailRow.module.css";
import { tailRowId } from "./useTailKeys";

/** Five letters at most, so that the column is narrow. */
const SHORT: Readonly<Record<Severity, string>> = {
  debug: "debug",
  info: "info",
  warning: "warn",
  error: "error",
  critical: "crit",
};

interface TailRowProps {
  event: StoredEvent;
  /** Its place among all that came, from 1. */
  number: number;
  open: boolean;
  /** The keyboard stands here. */
  current: boolean;
  /** Text to point out. */
  marked: string;
  onActivate: (key: string) => void;
  onAgent: (agentId: string) => void;
}

export const TailRow = memo(function TailRow(props: TailRowProps) {
  const { event, number, open, current, marked, onActivate, onAgent } = props;
  const { main, rest } = summarise(event);
  const key = keyOf(event);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys for its rows
    <div
      id={tailRowId(key)}
      role="row"
      aria-level={1}
      aria-rowindex={number}
      aria-expanded={open}
      className={classNames(
        styles.row,
        styles[event.severity],
        open && styles.open,
        current && styles.current,
      )}
      onClick={() => onActivate(key)}
    >
      <span role="gridcell" className={styles.time} title={utcTitle(event.time)}>
        {clockWithMs(event.time).slice(0, -4)}
        <span className={styles.ms}>{clockWithMs(event.time).slice(-4)}</span>
      </span>
      <span role="gridcell" className={styles.severity} title={event.severity}>
        {SHORT[event.severity] ?? event.severity}
      </span>
      <span role="gridcell" className={styles.type}>
        <Marked text={event.type} wanted={marked} />
      </span>
      <span role="gridcell" className={styles.agent}>
        <button
          type="button"
          tabIndex={-1}
          title={`Show only ${event.agent_id}`}
          onClick={(click) => {
            click.stopPropagation();
            onAgent(event.agent_id);
          }}
        >
          <MiddleText
            text={event.agent_id}
            draw={(part) => <Marked text={part} wanted={marked} />}
          />
        </button>
      </span>
      <span role="gridcell" className={styles.words}>
        {main && (
          <span className={styles.main}>
            <Marked text={main} wanted={marked} />
          </span>
        )}
        {rest && (
          <span className={styles.rest}>
            <Marked text={rest} wanted={marked} />
          </span>
        )}
      </span>
    </div>
  );
});
