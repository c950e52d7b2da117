/** One line that says what an event says, whatever its type. */
import type { StoredEvent } from "@/lib/live/protocol";
import { bytes, percent } from "./format";
import { plainText } from "./plainText";

/** Longest line made; a row shows less. */
const MAX_LINE = 400;

/** Fields that usually hold the sentence of an event, the most telling first. */
const SENTENCES = [
  "message",
  "text",
  "title",
  "summary",
  "thought",
  "command",
  "output",
  "error",
  "detail",
  "reason",
  "note",
  "name",
  "tool",
] as const;

export interface Summary {
  /** The sentence, if the event has one. */
  readonly main: string;
  /** Its other plain values, as "key=value". */
  readonly rest: string;
}

export function summarise(event: StoredEvent): Summary {
  const { type, data } = event;
  if (type === "agent.status") {
    return { main: line(data.status), rest: data.note ? line(data.note) : "" };
  }
  if (type === "agent.metric") return { main: "", rest: metrics(data) };
  const key = SENTENCES.find((name) => typeof data[name] === "string" && data[name] !== "");
  return { main: key ? line(data[key]) : "", rest: pairs(data, key) };
}

function metrics(data: StoredEvent["data"]): string {
  const known: string[] = [];
  if (typeof data.cpu_pct === "number") known.push(`cpu ${percent(data.cpu_pct)}`);
  if (typeof data.memory_bytes === "number") known.push(`memory ${bytes(data.memory_bytes)}`);
  const { cpu_pct: _cpu, memory_bytes: _memory, ...others } = data;
  const rest = pairs(others);
  return (rest ? [...known, rest] : known).join("  ");
}

function pairs(data: Readonly<Record<string, unknown>>, except?: string): string {
  let text = "";
  for (const [key, value] of Object.entries(data)) {
    if (key === except || value === null || value === "") continue;
    text += `${text ? "  " : ""}${key}=${line(typeof value === "object" ? JSON.stringify(value) : value)}`;
    if (text.length > MAX_LINE) break;
  }
  return text.slice(0, MAX_LINE);
}

function line(value: unknown): string {
  // Cutting first keeps a 64 KiB value from being cleaned for the sake of its first words.
  return plainText(String(value).slice(0, MAX_LINE * 2))
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_LINE);
}
