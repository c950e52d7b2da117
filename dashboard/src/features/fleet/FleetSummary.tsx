/** The fleet in four figures and one line: online, stale, lost, and how much is coming in. */
import { useMemo } from "react";
import type { Liveness } from "@/lib/live/protocol";
import { METER_SECONDS } from "@/lib/live/rateMeter";
import { count, rate } from "@/lib/text/format";
import { classNames } from "@/lib/ui/classNames";
import { Sparkline } from "@/lib/ui/Sparkline";
import { useThrottled } from "@/lib/ui/useThrottled";
import { useKnownSecond } from "@/stores/clock";
import { meter, useFleet } from "@/stores/fleet";
import { toggleLiveness, useFleetView } from "@/stores/fleetView";
import { countLiveness } from "./arrange";
import styles from "./FleetSummary.module.css";
import { LivenessMark } from "./LivenessMark";

/** How much higher the chart is than its highest point. */
const HEADROOM = 1.2;

const ORDER: readonly Liveness[] = ["online", "stale", "lost"];

export function FleetSummary() {
  const agents = useThrottled(useFleet, (state) => state.agents, 250);
  const counts = useMemo(() => countLiveness(agents), [agents]);
  const asked = useFleetView((view) => view.liveness);
  return (
    <section className={styles.summary} aria-label="The fleet at a glance">
      <fieldset className={styles.figures}>
        <legend className="spoken">Show only agents that are</legend>
        {ORDER.map((liveness) => (
          <button
            key={liveness}
            type="button"
            className={classNames(styles.figure, counts[liveness] === 0 && styles.none)}
            aria-pressed={asked === liveness}
            title={`Show only ${liveness} agents`}
            onClick={() => toggleLiveness(liveness)}
          >
            <span className={styles.number}>{count(counts[liveness])}</span>
            <span className={styles.word}>
              <LivenessMark liveness={liveness} />
            </span>
          </button>
        ))}
      </fieldset>
      <Pulse />
    </section>
  );
}

/** All events of the last minute, a second a step. */
function Pulse() {
  const second = useKnownSecond();
  const now = meter.rate(null, second);
  const values = meter.series(null, second);
  return (
    <div className={styles.pulse}>
      <div className={styles.figure}>
        <span className={styles.number}>{rate(now)}</span>
        <span className={styles.unit}>events/s</span>
      </div>
      <Sparkline
        className={styles.chart}
        values={values}
        top={HEADROOM * Math.max(...(values ?? []), 0)}
        width={METER_SECONDS * 10}
        height={40}
      />
      <span className={styles.span}>last minute</span>
    </div>
  );
}
