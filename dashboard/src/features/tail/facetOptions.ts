/** What can be chosen in the tail's filter menus, from what the page has seen. Read when a menu opens. */
import { useFleet } from "@/stores/fleet";
import { useTail } from "@/stores/tail";

/** More than this in a menu is not read but searched. */
export const MAX_OPTIONS = 60;

const byName = new Intl.Collator(undefined, { numeric: true }).compare;

export function agentOptions(): string[] {
  return [...useFleet.getState().agents.keys()].sort(byName);
}

/** Every type seen, after the families they form: "task.*" before "task.completed". */
export function typeOptions(): string[] {
  const types = new Set(useTail.getState().windows.live.rows.map((row) => row.type));
  const families = new Set<string>();
  for (const type of types) {
    const dot = type.indexOf(".");
    if (dot > 0) families.add(`${type.slice(0, dot)}.*`);
  }
  return [...families, ...types].sort(byFamily);
}

/** The tasks of the newest events first. */
export function taskOptions(): string[] {
  const tasks = new Set<string>();
  for (const row of useTail.getState().windows.live.rows.toReversed()) {
    if (row.task_id !== null) tasks.add(row.task_id);
  }
  return [...tasks];
}

function byFamily(a: string, b: string): number {
  const [familyA = "", ...restA] = a.split(".");
  const [familyB = "", ...restB] = b.split(".");
  return byName(familyA, familyB) || byName(restA.join("."), restB.join("."));
}
