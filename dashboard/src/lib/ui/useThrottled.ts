/** A store's value, read at most so often: for what changes faster than anybody can look. */
import { useEffect, useState } from "react";
import type { StoreApi, UseBoundStore } from "zustand";

/** `select` must be the same function on every render, and return the same value while nothing changed. */
export function useThrottled<S, T>(
  store: UseBoundStore<StoreApi<S>>,
  select: (state: S) => T,
  everyMs: number,
): T {
  const [value, setValue] = useState(() => select(store.getState()));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const read = () => setValue(() => select(store.getState()));
    const changed = () => {
      timer ??= setTimeout(() => {
        timer = null;
        read();
      }, everyMs);
    };
    read();
    const stop = store.subscribe(changed);
    return () => {
      stop();
      if (timer) clearTimeout(timer);
    };
  }, [store, select, everyMs]);
  return value;
}
