/** One agent as a row of the fleet table; on a narrow page the same cells make two lines. */
import { memo } from "react";
import type { Agent } from "@/lib/live/protocol";
import { bytes, percent, rate, shortCount } from "@/lib/text/format";
import { ago, fullLocal, utcTitle } from "@/lib/text/time";
import { classNames } from "@/lib/ui/classNames";
import { MiddleText } from "@/lib/ui/MiddleText";
import { Sparkline } from "@/lib/ui/Sparkline";
import { meter } from "@/stores/fleet";
import { titleOf } from "./arrange";
import styles from "./FleetTable.module.css";
import { LivenessMark } from "./LivenessMark";

interface FleetRowProps {
  agent: Agent;
  /** Place in the whole table, from 0. */
  index: number;
  /** Distance from the list's beginning, px. */
  top: number;
  /** Unix ms by the server's clock. */
  now: number;
  /** The second up to which rates are known. */
  second: number;
  /** The tail shows this agent alone or among few. */
  chosen: boolean;
  /** The keyboard stands here. */
  current: boolean;
  onChoose: (agentId: string) => void;
}

export const FleetRow = memo(function FleetRow(props: FleetRowProps) {
  const { agent, index, top, now, second, chosen, current, onChoose } = props;
  const perSecond = meter.rate(agent.agent_id, second);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the table takes the keys for its rows
    <div
      id={rowId(agent.agent_id)}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={chosen}
      className={classNames(
        styles.row,
        styles.body,
        chosen && styles.chosen,
        current && styles.current,
        agent.liveness === "lost" && styles.lost,
      )}
      style={{ top }}
      onClick={() => onChoose(agent.agent_id)}
    >
      <Name agent={agent} />
      <span role="gridcell" className={styles.liveness}>
        <LivenessMark liveness={agent.liveness} />
      </span>
      <span role="gridcell" className={styles.status} title={agent.note ?? undefined}>
        {agent.status ? <span className={styles.claim}>{agent.status}</span> : <Unknown />}
        {agent.note && <span className={styles.note}>{agent.note}</span>}
      </span>
      <span role="gridcell" className={styles.task} title={agent.task_id ?? undefined}>
        {agent.task_id === null ? <Unknown /> : <MiddleText text={agent.task_id} />}
      </span>
      <LastEvent agent={agent} now={now} />
      <span role="gridcell" className={styles.rate}>
        <Sparkline values={inPairs(meter.series(agent.agent_id, second))} width={64} height={18} />
        <span className={styles.figure}>{rate(perSecond)}</span>
      </span>
      <span role="gridcell" className={styles.cpu}>
        {agent.cpu_pct === null ? <Unknown /> : percent(agent.cpu_pct)}
      </span>
      <span role="gridcell" className={styles.memory}>
        {agent.memory_bytes === null ? <Unknown /> : bytes(agent.memory_bytes)}
      </span>
      <span role="gridcell" className={styles.events}>
        {shortCount(agent.events)}
      </span>
    </div>
  );
});

function Name({ agent }: { agent: Agent }) {
  return (
    <span role="gridcell" className={styles.agent} title={agent.agent_id}>
      <span className={styles.name}>
        <MiddleText text={titleOf(agent)} />
      </span>
      {agent.name !== null && agent.name !== agent.agent_id && (
        <span className={styles.id}>
          <MiddleText text={agent.agent_id} />
        </span>
      )}
      {agent.role && (
        <span className={classNames(styles.role, styles[agent.role])}>{agent.role}</span>
      )}
    </span>
  );
}

function LastEvent({ agent, now }: { agent: Agent; now: number }) {
  const { last_event_at: at, last_event_type: type, last_event_severity: severity } = agent;
  if (at === null || type === null) {
    return (
      <span role="gridcell" className={styles.last}>
        <Unknown />
      </span>
    );
  }
  const grave = severity === "error" || severity === "critical" || severity === "warning";
  return (
    <span role="gridcell" className={styles.last}>
      <time className={styles.ago} dateTime={at} title={`${fullLocal(at)}\n${utcTitle(at)}`}>
        {ago(at, now)}
      </time>
      <span className={styles.type} title={type}>
        {type}
      </span>
      {grave && <span className={classNames(styles.severity, styles[severity])}>{severity}</span>}
    </span>
  );
}

/** Two seconds a step: a minute in 64 pixels is easier on the eye. */
function inPairs(values: number[] | null): number[] | null {
  return values?.flatMap((value, i) => (i % 2 === 1 ? [(values[i - 1] ?? 0) + value] : [])) ?? null;
}

function Unknown() {
  return (
    <span className={styles.unknown}>
      <span aria-hidden="true">–</span>
      <span className="spoken">unknown</span>
    </span>
  );
}

/** The element id of an agent's row, for `aria-activedescendant`. */
export function rowId(agentId: string): string {
  return `agent-${encodeURIComponent(agentId)}`;
}
