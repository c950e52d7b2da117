/** The connection's state, always in sight: shape, word, age of the picture, and what to do. */
import { useShallow } from "zustand/react/shallow";
import { clock } from "@/lib/text/time";
import { classNames } from "@/lib/ui/classNames";
import { useClock } from "@/stores/clock";
import { useConnection } from "@/stores/connection";
import { retryNow } from "@/stores/feed";
import styles from "./ConnectionPill.module.css";
import { ageOf, type Description, describe, type Tone } from "./describe";

export function ConnectionPill() {
  const description = useDescription();
  // Read with the second hand: it changes with every batch of frames.
  const now = useClock((state) => state.now);
  const { heardAt } = useConnection.getState();
  const { tone, label, short, why, action } = description;
  const shown = heardAt === null ? "" : ` Shown: everything up to ${clock(heardAt)}.`;
  return (
    <div
      className={classNames(
        styles.pill,
        tone === "bad" && styles.isBad,
        tone === "busy" && styles.isBusy,
      )}
      title={why + shown}
    >
      <Glyph tone={tone} />
      <span className={classNames(styles.label, styles[tone])}>
        <span className={styles.long}>{label}</span>
        <span className={styles.short} aria-hidden="true">
          {short}
        </span>
      </span>
      <span className={styles.age}>{ageOf(heardAt, now, tone !== "bad")}</span>
      {action && (
        <button type="button" className={styles.action} onClick={retryNow}>
          {action}
        </button>
      )}
      <Spoken description={description} />
    </div>
  );
}

/** Read aloud when the state changes, without the seconds that count down. */
function Spoken({ description }: { description: Description }) {
  const words = description.label.replace(/ in \d+ s$/, "").replace(/ [\d,]+$/, "");
  return (
    <span className="spoken" role="status">
      {words}
    </span>
  );
}

function useDescription(): Description {
  const { link, networkDown } = useConnection(
    useShallow(({ link, networkDown }) => ({ link, networkDown })),
  );
  const [livePhase, liveMissed, liveReceived, tailPhase, tailMissed, tailReceived] = useConnection(
    useShallow(({ progress: { live, tail } }) => [
      live?.phase,
      live?.missed ?? 0,
      live?.received ?? 0,
      tail?.phase,
      tail?.missed ?? 0,
      tail?.received ?? 0,
    ]),
  );
  const now = useClock((state) => state.now);
  return describe({
    link,
    networkDown,
    now,
    progress: [
      livePhase ? { phase: livePhase, missed: liveMissed, received: liveReceived } : null,
      tailPhase ? { phase: tailPhase, missed: tailMissed, received: tailReceived } : null,
    ],
  });
}

/** A full dot, a half one, a cross: the state without its colour. */
function Glyph({ tone }: { tone: Tone }) {
  return (
    <svg
      className={classNames(styles.glyph, styles[tone])}
      width="12"
      height="12"
      viewBox="0 0 12 12"
      aria-hidden="true"
    >
      {tone === "good" && <circle cx="6" cy="6" r="4" fill="currentColor" />}
      {tone === "busy" && (
        <>
          <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" />
        </>
      )}
      {tone === "bad" && (
        <path
          d="m2.5 2.5 7 7m0-7-7 7"
          stroke="currentColor"
          strokeWidth="2"
          strokeLinecap="round"
        />
      )}
    </svg>
  );
}
