/** Holds the tail still, and says how much waits meanwhile. */
import { shortCount } from "@/lib/text/format";
import { Button } from "@/lib/ui/Button";
import { Icon } from "@/lib/ui/Icon";
import { pauseTail, resumeTail, useTail, waitingCount } from "@/stores/tail";
import styles from "./PauseButton.module.css";

export function PauseButton() {
  const paused = useTail((tail) => tail.pause !== null);
  const waiting = useTail(waitingCount);
  return (
    <Button
      className={styles.pause}
      look={paused ? "active" : "plain"}
      aria-pressed={paused}
      title={paused ? "Go on (space)" : "Hold the tail still (space)"}
      onClick={() => (paused ? resumeTail() : pauseTail("asked"))}
    >
      <Icon name={paused ? "play" : "pause"} size={14} />
      {paused ? "Resume" : "Pause"}
      {paused && <span className={styles.waiting}>{shortCount(waiting)} waiting</span>}
    </Button>
  );
}
