/** The fleet: every agent as last known, and how many events each of them sends. */
import { create } from "zustand";
import { fold, replaceAgents } from "@/lib/live/fleetFold";
import type { Agent, StoredEvent } from "@/lib/live/protocol";
import { RateMeter } from "@/lib/live/rateMeter";

interface Fleet {
  readonly agents: ReadonlyMap<string, Agent>;
  /** Whether the first picture has come: before it, "no agents" means nothing. */
  readonly known: boolean;
}

const NOTHING: Fleet = { agents: new Map(), known: false };

export const useFleet = create<Fleet>(() => NOTHING);

/** Read once a second by whoever draws rates; it changes far too often to be state. */
export const meter = new RateMeter();

/** Folds in events that were not seen before. */
export function foldEvents(events: readonly StoredEvent[]): void {
  countEvents(events);
  useFleet.setState(({ agents }) => ({ agents: fold(agents, events) }));
}

/** Counts events for the rates alone: a snapshot's agents already hold what they say. */
export function countEvents(events: readonly StoredEvent[]): void {
  for (const event of events) {
    const second = Math.floor(Date.parse(event.received_at) / 1_000);
    if (!Number.isNaN(second)) meter.count(event.agent_id, second);
  }
}

/** Lets go of the counts of agents that have been silent; once a minute is enough. */
export function sweepRates(serverNowMs: number): void {
  meter.sweep(Math.floor(serverNowMs / 1_000));
}

/** Takes the server's word for these agents; `complete`: and that there are no others. */
export function describeAgents(items: readonly Agent[], complete: boolean): void {
  useFleet.setState(({ agents, known }) => ({
    agents: replaceAgents(agents, items, complete),
    known: known || complete,
  }));
}

export function resetFleet(): void {
  meter.clear();
  useFleet.setState(NOTHING);
}
