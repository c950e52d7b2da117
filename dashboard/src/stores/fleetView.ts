/** How the fleet is looked at: its order, the search, and which liveness is asked for. */
import { create } from "zustand";
import type { Liveness } from "@/lib/live/protocol";

export type FleetColumn =
  | "liveness"
  | "agent"
  | "status"
  | "task"
  | "last"
  | "rate"
  | "cpu"
  | "memory"
  | "events";

interface FleetView {
  readonly search: string;
  readonly liveness: Liveness | null;
  readonly column: FleetColumn;
  readonly descending: boolean;
}

export const useFleetView = create<FleetView>(() => ({
  search: "",
  liveness: null,
  column: "agent",
  descending: false,
}));

/** Columns whose large values are the interesting ones. */
const LARGEST_FIRST: ReadonlySet<FleetColumn> = new Set([
  "rate",
  "cpu",
  "memory",
  "events",
  "last",
]);

/** Sorts by `column`; once more turns the order around. */
export function sortBy(column: FleetColumn): void {
  useFleetView.setState((view) =>
    view.column === column
      ? { descending: !view.descending }
      : { column, descending: LARGEST_FIRST.has(column) },
  );
}

/** Shows only agents of this liveness; once more shows all. */
export function toggleLiveness(liveness: Liveness): void {
  useFleetView.setState((view) => ({ liveness: view.liveness === liveness ? null : liveness }));
}
