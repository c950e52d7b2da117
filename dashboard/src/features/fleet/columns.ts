/** The fleet table's columns, in the order they stand. */
import type { FleetColumn } from "@/stores/fleetView";

export interface Column {
  readonly id: FleetColumn;
  readonly title: string;
  /** Says what the column means, for the header's title. */
  readonly meaning: string;
  readonly number?: boolean;
}

export const COLUMNS: readonly Column[] = [
  { id: "agent", title: "Agent", meaning: "Its name and role" },
  {
    id: "liveness",
    title: "Seen as",
    meaning: "What the server observes: online, stale (silent for a while) or lost",
  },
  { id: "status", title: "Says", meaning: "What the agent claims to be doing" },
  { id: "task", title: "Task", meaning: "The task of its latest event that had one" },
  { id: "last", title: "Last event", meaning: "Its latest event, and how long ago that was" },
  {
    id: "rate",
    title: "Events/s",
    meaning: "Mean of the last 5 s; the line shows the last minute",
    number: true,
  },
  { id: "cpu", title: "CPU", meaning: "As last reported, in percent of one core", number: true },
  { id: "memory", title: "Memory", meaning: "As last reported", number: true },
  { id: "events", title: "Stored", meaning: "How many of its events are kept", number: true },
];
