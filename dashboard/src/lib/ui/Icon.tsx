/** The page's few icons, drawn on a 16-pixel grid in the colour of the text around them. */
import type { ReactNode } from "react";

const PATHS = {
  search: (
    <>
      <circle cx="7" cy="7" r="4.25" />
      <path d="m10.2 10.2 3.3 3.3" />
    </>
  ),
  close: <path d="m4 4 8 8m0-8-8 8" />,
  pause: <path d="M5.5 3.5v9m5-9v9" />,
  play: <path d="M5 3.2v9.6l7.5-4.8z" />,
  down: <path d="M8 3v10m-4-4 4 4 4-4" />,
  chevron: <path d="m6 4 4 4-4 4" />,
  caret: <path d="m4.5 6.5 3.5 3.5 3.5-3.5" />,
  check: <path d="m3.5 8.5 3 3 6-7" />,
  copy: (
    <>
      <rect x="5.5" y="5.5" width="7.5" height="7.5" rx="1.5" />
      <path d="M10.5 3.5A1.5 1.5 0 0 0 9 2.5H4.5a2 2 0 0 0-2 2V9a1.5 1.5 0 0 0 1 1.4" />
    </>
  ),
  sun: (
    <>
      <circle cx="8" cy="8" r="2.75" />
      <path d="M8 1.5v1.5m0 10v1.5M1.5 8H3m10 0h1.5M3.4 3.4l1.1 1.1m7 7 1.1 1.1m0-9.2-1.1 1.1m-7 7-1.1 1.1" />
    </>
  ),
  moon: <path d="M13 9.6A5.4 5.4 0 0 1 6.4 3 5.4 5.4 0 1 0 13 9.6z" />,
  auto: (
    <>
      <circle cx="8" cy="8" r="5.25" />
      <path d="M8 2.75v10.5a5.25 5.25 0 0 0 0-10.5z" fill="currentColor" />
    </>
  ),
  help: (
    <>
      <circle cx="8" cy="8" r="5.75" />
      <path d="M6.4 6.3A1.6 1.6 0 0 1 8 5c1 0 1.7.6 1.7 1.5C9.7 7.6 8 7.7 8 8.9M8 11h.01" />
    </>
  ),
  leave: (
    <path d="M6.5 2.75h-2.5a1.25 1.25 0 0 0-1.25 1.25v8a1.25 1.25 0 0 0 1.25 1.25h2.5M10 5l3 3-3 3m3-3H6.5" />
  ),
  info: (
    <>
      <circle cx="8" cy="8" r="5.75" />
      <path d="M8 7.5v3.25M8 5.2h.01" />
    </>
  ),
  alert: <path d="M8 2.5 14 13H2zM8 6.5v3M8 11.2h.01" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

/** Decoration: the words beside it, or the control's label, carry the meaning. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {PATHS[name]}
    </svg>
  );
}
