/** What the keyboard can do here. */
import { useEffect, useRef } from "react";
import { Button } from "@/lib/ui/Button";
import { Icon } from "@/lib/ui/Icon";
import styles from "./HelpDialog.module.css";

const KEYS: readonly { keys: readonly string[]; does: string }[] = [
  { keys: ["/"], does: "Search the tail; in the fleet, search agents" },
  { keys: ["↑", "↓"], does: "Move through agents or events" },
  { keys: ["Enter"], does: "Open an event; on an agent, show only its events" },
  { keys: ["Space"], does: "Hold the tail still, and let it go on" },
  { keys: ["Home", "End"], does: "Go to the oldest event; back to live" },
  { keys: ["Esc"], does: "Close, clear, or go back to live" },
  { keys: ["?"], does: "Show this" },
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <div className={styles.card}>
        <header className={styles.head}>
          <h2 id="help-title">Keyboard</h2>
          <Button look="quiet" square aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </Button>
        </header>
        <dl className={styles.keys}>
          {KEYS.map(({ keys, does }) => (
            <div key={does}>
              <dt>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
      </div>
    </dialog>
  );
}
