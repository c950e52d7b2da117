/** Says what was refilled and what was skipped, out of the way of the work. */
import { useEffect } from "react";
import type { StreamNotice } from "@/lib/live/subscription";
import { plural } from "@/lib/text/format";
import { clock } from "@/lib/text/time";
import { Button } from "@/lib/ui/Button";
import { Icon } from "@/lib/ui/Icon";
import { useClock } from "@/stores/clock";
import { dismiss, expireNotices, useNotices } from "@/stores/notices";
import styles from "./NoticeStack.module.css";

export function NoticeStack() {
  const items = useNotices((state) => state.items);
  const now = useClock((state) => state.now);
  useEffect(() => expireNotices(now), [now]);
  return (
    <section className={styles.stack} aria-label="Notices" aria-live="polite">
      {items.map(({ id, at, stream }) => {
        const { title, detail } = inWords(stream);
        const good = stream.what === "refilled";
        return (
          <div key={id} className={styles.notice}>
            <span className={good ? styles.good : styles.bad}>
              <Icon name={good ? "check" : "alert"} />
            </span>
            <div>
              <p className={styles.title}>{title}</p>
              <p className={styles.detail}>
                {detail} <time dateTime={new Date(at).toISOString()}>{clock(at)}</time>
              </p>
            </div>
            <Button look="quiet" square aria-label="Dismiss" onClick={() => dismiss(id)}>
              <Icon name="close" size={14} />
            </Button>
          </div>
        );
      })}
    </section>
  );
}

/** A notice for people: what happened, and what it means for the page. */
export function inWords({ what, because, count }: StreamNotice): { title: string; detail: string } {
  const events = plural(count, "event");
  if (what === "refilled") {
    return {
      title: `Refilled ${events}`,
      detail:
        because === "away"
          ? "They came while this page was disconnected. Nothing is missing."
          : "They came faster than this page could take them. Nothing is missing.",
    };
  }
  switch (because) {
    case "too_fast":
      return {
        title: `Skipped ${events}`,
        detail:
          "They keep coming faster than this page can take them. Filter the tail to see all of it.",
      };
    case "epoch":
      return {
        title: "The history was replaced",
        detail: "The server's data was restored or laid out anew. The page started over.",
      };
    case "retention":
    case "too_far":
      return {
        title: count > 0 ? `Skipped ${events}` : "Some events were skipped",
        detail: "This page was away for too long to read them all. It shows the newest again.",
      };
  }
}
