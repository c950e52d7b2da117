/** Keys that work wherever the focus is, as long as nobody is typing. */
import { type RefObject, useEffect, useRef } from "react";

interface Shortcuts {
  fleetSearch: RefObject<HTMLInputElement | null>;
  tailSearch: RefObject<HTMLInputElement | null>;
  showHelp: () => void;
}

export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const { fleetSearch, tailSearch, showHelp } = latest.current;
      if (event.key === "/") {
        const inFleet = inSamePanel(event.target, fleetSearch.current);
        const field = inFleet || !tailSearch.current ? fleetSearch.current : tailSearch.current;
        field?.focus();
        field?.select();
      } else if (event.key === "?") showHelp();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.matches("input, select, textarea") || target.isContentEditable || inDialog(target))
  );
}

function inDialog(target: HTMLElement): boolean {
  return target.closest("dialog[open]") !== null;
}

function inSamePanel(target: EventTarget | null, field: HTMLElement | null): boolean {
  const panel = field?.closest("section");
  return target instanceof Node && panel?.contains(target) === true;
}
