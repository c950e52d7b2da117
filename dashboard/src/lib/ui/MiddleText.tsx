/** An id that is cut in its middle where it does not fit: ids of one fleet often differ at the end only. */
import type { ReactNode } from "react";
import styles from "./MiddleText.module.css";

/** Ids up to this long are cut at their end like any text. */
const SHORT = 16;
const TAIL = 8;

interface MiddleTextProps {
  text: string;
  /** How to draw one of the two parts; by default as it is. */
  draw?: (part: string) => ReactNode;
}

export function MiddleText({ text, draw = (part) => part }: MiddleTextProps) {
  if (text.length <= SHORT) return draw(text);
  return (
    <span className={styles.whole}>
      <span className={styles.head}>{draw(text.slice(0, -TAIL))}</span>
      <span className={styles.tail}>{draw(text.slice(-TAIL))}</span>
    </span>
  );
}
