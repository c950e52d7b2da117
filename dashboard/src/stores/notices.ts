/** What the page has to tell: events that were refilled or skipped. */
import { create } from "zustand";
import type { StreamNotice } from "@/lib/live/subscription";

export interface Notice {
  readonly id: number;
  /** Unix ms. */
  readonly at: number;
  readonly stream: StreamNotice;
}

interface Notices {
  readonly items: readonly Notice[];
}

/** More than this at once is noise: the oldest go. */
const MAX_NOTICES = 3;
/** A good word may leave by itself; a loss stays until it is read. */
const GOOD_NEWS_MS = 8_000;

export const useNotices = create<Notices>(() => ({ items: [] }));

let lastId = 0;

export function notify(stream: StreamNotice, now: number): void {
  const notice: Notice = { id: ++lastId, at: now, stream };
  useNotices.setState(({ items }) => ({ items: together(items, notice).slice(-MAX_NOTICES) }));
}

export function dismiss(id: number): void {
  useNotices.setState(({ items }) => ({ items: items.filter((notice) => notice.id !== id) }));
}

/** Takes away the good news that has been up long enough. */
export function expireNotices(now: number): void {
  const { items } = useNotices.getState();
  const left = items.filter(
    ({ stream, at }) => stream.what !== "refilled" || now - at < GOOD_NEWS_MS,
  );
  if (left.length !== items.length) useNotices.setState({ items: left });
}

/** Two skips for the same reason are one notice with their sum. */
function together(items: readonly Notice[], notice: Notice): Notice[] {
  const same = items.find(
    ({ stream }) => stream.what === notice.stream.what && stream.because === notice.stream.because,
  );
  if (!same) return [...items, notice];
  const stream = { ...notice.stream, count: same.stream.count + notice.stream.count };
  return [...items.filter((item) => item !== same), { ...notice, stream }];
}
