/** Observed liveness: a full dot, a half dot, an empty ring with a bar, each with its word. */
import type { Liveness } from "@/lib/live/protocol";
import styles from "./LivenessMark.module.css";

export function LivenessMark({ liveness }: { liveness: Liveness }) {
  return (
    <span className={`${styles.mark} ${styles[liveness]}`}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        {liveness === "online" && <circle cx="6" cy="6" r="4" fill="currentColor" />}
        {liveness === "stale" && (
          <>
            <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />
            <path d="M6 2a4 4 0 0 0 0 8z" fill="currentColor" />
          </>
        )}
        {liveness === "lost" && (
          <path
            d="M6 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8M3.2 8.8l5.6-5.6"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.5"
          />
        )}
      </svg>
      {liveness}
    </span>
  );
}
