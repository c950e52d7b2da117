/** The live tail: what is asked for, the events as they come, and the way to hold them still. */
import { type RefObject, useCallback, useEffect, useId, useState } from "react";
import type { TailFilter } from "@/lib/live/tailFilter";
import { isEmpty } from "@/lib/live/tailFilter";
import { useConnection } from "@/stores/connection";
import { filterTail } from "@/stores/feed";
import { shownWindow, useTail } from "@/stores/tail";
import { EmptyTail } from "./EmptyTail";
import { PauseButton } from "./PauseButton";
import { TailList } from "./TailList";
import styles from "./TailPanel.module.css";
import { TailToolbar } from "./TailToolbar";

/** How long typing must rest before the server is asked. */
const TYPING_MS = 250;

export function TailPanel({ searchRef }: { searchRef: RefObject<HTMLInputElement | null> }) {
  const filter = useTail((tail) => tail.filter);
  const empty = useTail((tail) => shownWindow(tail).rows.length === 0);
  const answered = useConnection(({ progress: { live, tail } }) => {
    const asked = isEmpty(filter) ? live : tail;
    return asked !== null && asked.phase !== "waiting";
  });
  const [text, setText] = useTypedText(filter);
  const title = useId();
  const change = useCallback((next: TailFilter) => filterTail(next), []);
  return (
    <section className={styles.panel} aria-labelledby={title}>
      <header className={styles.head}>
        <h2 className={styles.title} id={title}>
          Live tail
        </h2>
        <TailToolbar
          filter={filter}
          onChange={change}
          text={text}
          onText={setText}
          searchRef={searchRef}
        />
        <PauseButton />
      </header>
      {empty && answered ? (
        <EmptyTail filter={filter} onClear={() => setText("", true)} />
      ) : (
        <TailList filter={filter} onFilter={change} />
      )}
    </section>
  );
}

/** The text as it is typed, which becomes part of the filter when the typing rests. */
function useTypedText(filter: TailFilter) {
  const [text, setText] = useState(filter.text);
  const [asked, setAsked] = useState(filter.text);
  if (asked !== filter.text) {
    // Somebody else changed it: the address, or "clear".
    setAsked(filter.text);
    setText(filter.text);
  }
  useEffect(() => {
    if (text === filter.text) return;
    const timer = setTimeout(() => filterTail({ ...filter, text }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, filter]);
  const change = (next: string, everything = false) => {
    setText(next);
    if (everything) filterTail({ agents: [], types: [], tasks: [], from: null, text: next });
  };
  return [text, change] as const;
}
