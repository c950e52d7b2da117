/** The pretended history: partitions with contiguous offsets, cursors, and what lies after one. */
import { randomUUID } from "node:crypto";

export const PARTITIONS = 8;
const KEPT = 50_000;

/** @param {string} text */
export function partitionOf(text) {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash % PARTITIONS;
}

export class Log {
  epoch = randomUUID();
  /** All events kept, in the order they were stored. */
  events = [];
  heads = new Array(PARTITIONS).fill(0);
  listeners = new Set();

  /** Stores events and shows them to everyone who listens. */
  append(items) {
    const now = new Date().toISOString();
    const stored = items.map((item) => {
      const partition = partitionOf(item.agent_id);
      this.heads[partition] += 1;
      return {
        id: randomUUID(),
        type: item.type,
        agent_id: item.agent_id,
        time: item.time ?? now,
        task_id: item.task_id ?? null,
        trace_id: null,
        severity: item.severity ?? "info",
        data: item.data ?? {},
        partition,
        offset: this.heads[partition],
        received_at: item.time ?? now,
      };
    });
    this.events.push(...stored);
    if (this.events.length > KEPT) this.events.splice(0, this.events.length - KEPT);
    for (const listener of this.listeners) listener(stored);
    return stored;
  }

  cursor(heads = this.heads) {
    return Buffer.from(JSON.stringify([this.epoch, heads])).toString("base64url");
  }

  /** The heads in a cursor, or null when it is of another epoch. */
  read(cursor) {
    const [epoch, heads] = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return epoch === this.epoch ? heads : null;
  }

  after(heads) {
    return this.events.filter((event) => event.offset > heads[event.partition]);
  }
}

/** Whether a subscription's filter wants the event. */
export function matches(filter, event) {
  if (!filter) return true;
  const { agent_ids, types, task_ids, severity, text } = filter;
  if (agent_ids?.length && !agent_ids.includes(event.agent_id)) return false;
  if (task_ids?.length && !task_ids.includes(event.task_id)) return false;
  if (severity?.length && !severity.includes(event.severity)) return false;
  const isOfType = (type) =>
    type.endsWith(".*") ? event.type.startsWith(type.slice(0, -1)) : event.type === type;
  if (types?.length && !types.some(isOfType)) return false;
  const all = [event.type, event.agent_id, event.task_id ?? "", JSON.stringify(event.data)];
  return !text || all.join("\n").toLowerCase().includes(text.toLowerCase());
}
