/** An event's data to be read: a line a field, long text with its own lines, without terminal codes. */
import type { StoredEvent } from "@/lib/live/protocol";
import { plainText } from "@/lib/text/plainText";
import styles from "./EventData.module.css";

/** A text longer than this, or with lines of its own, gets a block to itself. */
const INLINE_LENGTH = 160;

export function EventData({ data }: { data: StoredEvent["data"] }) {
  const fields = Object.entries(data);
  if (fields.length === 0) return <p className={styles.none}>This event carries no data.</p>;
  return (
    <dl className={styles.data} tabIndex={0}>
      {fields.map(([name, value]) => {
        const text = asText(value);
        const block = text.includes("\n") || text.length > INLINE_LENGTH;
        return (
          <div key={name} className={block ? styles.tall : styles.flat}>
            <dt>{name}</dt>
            <dd>{block ? <pre>{text}</pre> : text}</dd>
          </div>
        );
      })}
    </dl>
  );
}

function asText(value: unknown): string {
  if (typeof value === "string") return plainText(value);
  return typeof value === "object" && value !== null
    ? JSON.stringify(value, null, 2)
    : String(value);
}
