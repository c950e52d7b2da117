/** Nothing to show in the tail: because nothing came yet, or because nothing matches. */
import { isEmpty, type TailFilter } from "@/lib/live/tailFilter";
import { Button } from "@/lib/ui/Button";
import styles from "./EmptyTail.module.css";

interface EmptyTailProps {
  filter: TailFilter;
  onClear: () => void;
}

export function EmptyTail({ filter, onClear }: EmptyTailProps) {
  if (isEmpty(filter)) {
    return (
      <div className={styles.empty}>
        <h3 className={styles.title}>Nothing has happened yet</h3>
        <p>Events appear here the moment they are stored.</p>
      </div>
    );
  }
  return (
    <div className={styles.empty}>
      <h3 className={styles.title}>No event matches</h3>
      <p>Nothing in the history fits this filter. What comes and fits will appear here.</p>
      <Button onClick={onClear}>Clear the filter</Button>
    </div>
  );
}
