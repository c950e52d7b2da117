/** A text with every place where the wanted words stand pointed out. */
import type { ReactNode } from "react";
import styles from "./Marked.module.css";

export function Marked({ text, wanted }: { text: string; wanted: string }): ReactNode {
  const parts = split(text, wanted.trim());
  if (parts.length === 1) return text;
  return parts.map((part, i) =>
    // Odd parts are the matches. The place is all that tells equal parts apart.
    i % 2 === 1 ? (
      <mark key={i} className={styles.mark}>
        {part}
      </mark>
    ) : (
      part
    ),
  );
}

/** `text` cut at every occurrence of `wanted`, whatever its case: what is between, a match, what is between … */
export function split(text: string, wanted: string): string[] {
  if (!wanted) return [text];
  const lower = text.toLowerCase();
  const search = wanted.toLowerCase();
  // Lowering may change a text's length ("İ"): then places cannot be carried over.
  if (lower.length !== text.length) return [text];
  const parts: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(search); at >= 0; at = lower.indexOf(search, from)) {
    parts.push(text.slice(from, at), text.slice(at, at + search.length));
    from = at + search.length;
  }
  parts.push(text.slice(from));
  return parts;
}
