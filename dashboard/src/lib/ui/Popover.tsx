/** A button and the panel it opens below itself. Escape and a click elsewhere close it (native popover). */
import { type ReactNode, type ToggleEvent, useId, useRef, useState } from "react";
import { Button } from "./Button";
import styles from "./Popover.module.css";

interface PopoverProps {
  /** What the button opens, in words. */
  label: string;
  look?: "plain" | "quiet" | "active";
  button: ReactNode;
  /** Which edge of the button the panel keeps to. */
  align?: "start" | "end";
  /** Called while the panel is open. */
  children: (close: () => void) => ReactNode;
}

const MARGIN = 8;

export function Popover({
  label,
  look = "plain",
  button,
  align = "start",
  children,
}: PopoverProps) {
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const id = useId();

  const onBeforeToggle = (event: ToggleEvent<HTMLDivElement>) => {
    if (event.newState === "closed") return;
    setOpen(true);
    place(trigger.current, panel.current, align);
  };
  const onToggle = (event: ToggleEvent<HTMLDivElement>) => {
    if (event.newState === "open") panel.current?.querySelector("input")?.focus();
    else setOpen(false);
  };
  return (
    <>
      <Button
        ref={trigger}
        look={look}
        title={label}
        aria-haspopup="dialog"
        aria-expanded={open}
        popoverTarget={id}
      >
        {button}
      </Button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        className={styles.panel}
        onBeforeToggle={onBeforeToggle}
        onToggle={onToggle}
      >
        {open && children(() => panel.current?.hidePopover())}
      </div>
    </>
  );
}

/** Puts the panel under its button, within the window. */
function place(
  trigger: HTMLElement | null,
  panel: HTMLElement | null,
  align: "start" | "end",
): void {
  if (!trigger || !panel) return;
  const box = trigger.getBoundingClientRect();
  const width = Math.min(280, window.innerWidth - 2 * MARGIN);
  const wished = align === "start" ? box.left : box.right - width;
  const left = Math.max(MARGIN, Math.min(wished, window.innerWidth - width - MARGIN));
  panel.style.width = `${width}px`;
  panel.style.left = `${left}px`;
  const below = window.innerHeight - box.bottom;
  if (below > 340 || below > box.top) {
    panel.style.top = `${box.bottom + 4}px`;
    panel.style.bottom = "auto";
  } else {
    panel.style.top = "auto";
    panel.style.bottom = `${window.innerHeight - box.top + 4}px`;
  }
}
