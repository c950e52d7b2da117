/** The bar between fleet and tail: drag it, or move it with the arrows; a double click lets it find its own place. */
import { type KeyboardEvent, type PointerEvent, type RefObject, useState } from "react";
import { setFleetShare, usePreferences } from "@/stores/preferences";
import styles from "./Splitter.module.css";

const STEP = 0.05;

export function Splitter({ container }: { container: RefObject<HTMLElement | null> }) {
  const share = usePreferences((state) => state.fleetShare);
  const [dragging, setDragging] = useState(false);

  const shown = (bar: HTMLElement) => {
    const box = container.current?.getBoundingClientRect();
    return box ? (bar.getBoundingClientRect().top - box.top) / box.height : 0.5;
  };
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    setDragging(true);
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const box = container.current?.getBoundingClientRect();
    if (dragging && box) setFleetShare((event.clientY - box.top) / box.height);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const from = share ?? shown(event.currentTarget);
    if (event.key === "ArrowUp") setFleetShare(from - STEP);
    else if (event.key === "ArrowDown") setFleetShare(from + STEP);
    else if (event.key === "Escape") setFleetShare(null);
    else return;
    event.preventDefault();
  };
  return (
    <div
      role="separator"
      aria-label="Height of the fleet"
      aria-orientation="horizontal"
      aria-valuenow={Math.round((share ?? 0.46) * 100)}
      aria-valuemin={15}
      aria-valuemax={85}
      tabIndex={0}
      title="Drag to divide the page; double-click to reset"
      className={styles.bar}
      data-dragging={dragging || undefined}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={() => setDragging(false)}
      onPointerCancel={() => setDragging(false)}
      onDoubleClick={() => setFleetShare(null)}
      onKeyDown={onKeyDown}
    />
  );
}
