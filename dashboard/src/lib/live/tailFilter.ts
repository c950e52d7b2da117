/** The tail's filter: what the person asked for, as sent to the server and as kept in the address. */
import { SEVERITIES, type Severity, type StoredEvent, type WireFilter } from "./protocol";

export interface TailFilter {
  readonly agents: readonly string[];
  /** Exact ("tool.called") or a family ("task.*"). */
  readonly types: readonly string[];
  readonly tasks: readonly string[];
  /** This severity and every graver one; null for all. */
  readonly from: Severity | null;
  readonly text: string;
}

export const NO_FILTER: TailFilter = { agents: [], types: [], tasks: [], from: null, text: "" };

/** The server takes no more than this. */
const MAX_VALUES = 100;
const MAX_TEXT = 200;

/** The parts of a filter that hold a list of values. */
export type ListFacet = "agents" | "types" | "tasks";

export function isEmpty(filter: TailFilter): boolean {
  return toWire(filter) === null;
}

/** How many things the filter asks for, to show on its "clear" button. */
export function partsOf(filter: TailFilter): number {
  const lists = filter.agents.length + filter.types.length + filter.tasks.length;
  return lists + (filter.from ? 1 : 0) + (filter.text.trim() ? 1 : 0);
}

/** `severity` and every graver one. */
export function atLeast(severity: Severity): Severity[] {
  return SEVERITIES.slice(SEVERITIES.indexOf(severity));
}

/** The filter of a subscribe frame; null when it asks for everything. */
export function toWire(filter: TailFilter): WireFilter | null {
  const wire: WireFilter = {};
  if (filter.agents.length) wire.agent_ids = filter.agents.slice(0, MAX_VALUES);
  if (filter.types.length) wire.types = filter.types.slice(0, MAX_VALUES);
  if (filter.tasks.length) wire.task_ids = filter.tasks.slice(0, MAX_VALUES);
  if (filter.from && filter.from !== SEVERITIES[0]) wire.severity = atLeast(filter.from);
  const text = filter.text.trim().slice(0, MAX_TEXT);
  if (text) wire.text = text;
  return Object.keys(wire).length ? wire : null;
}

/** The filter with `value` added to one of its lists, or taken out if it was there. */
export function toggled(filter: TailFilter, facet: ListFacet, value: string): TailFilter {
  const list = filter[facet];
  const next = list.includes(value) ? list.filter((v) => v !== value) : [...list, value];
  return { ...filter, [facet]: next.slice(0, MAX_VALUES) };
}

/** The filter as a query string without "?", empty for no filter. */
export function toQuery(filter: TailFilter): string {
  const query = new URLSearchParams();
  for (const agent of filter.agents) query.append("agent", agent);
  for (const type of filter.types) query.append("type", type);
  for (const task of filter.tasks) query.append("task", task);
  if (filter.from) query.set("from", filter.from);
  if (filter.text.trim()) query.set("text", filter.text.trim());
  return query.toString();
}

/** The filter in a query string; what is not understood is left out. */
export function fromQuery(text: string): TailFilter {
  const query = new URLSearchParams(text);
  const from = SEVERITIES.find((severity) => severity === query.get("from")) ?? null;
  return {
    agents: query.getAll("agent").slice(0, MAX_VALUES),
    types: query.getAll("type").slice(0, MAX_VALUES),
    tasks: query.getAll("task").slice(0, MAX_VALUES),
    from,
    text: (query.get("text") ?? "").slice(0, MAX_TEXT),
  };
}

const TYPE_PATTERN = /^[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?$/;

/** Whether `text` is an event type, or a family such as "task.*". */
export function isTypePattern(text: string): boolean {
  return text.length <= 64 && TYPE_PATTERN.test(text);
}

/** Whether the filter wants `event`, as far as the page can tell: the server's answer is what counts. */
export function matches(filter: TailFilter, event: StoredEvent): boolean {
  if (filter.agents.length && !filter.agents.includes(event.agent_id)) return false;
  if (filter.tasks.length && (event.task_id === null || !filter.tasks.includes(event.task_id))) {
    return false;
  }
  if (filter.from && !atLeast(filter.from).includes(event.severity)) return false;
  if (filter.types.length && !filter.types.some((type) => isOfType(event.type, type))) return false;
  const wanted = filter.text.trim().toLowerCase();
  if (!wanted) return true;
  return [event.type, event.agent_id, event.task_id ?? "", JSON.stringify(event.data)].some(
    (text) => text.toLowerCase().includes(wanted),
  );
}

function isOfType(type: string, pattern: string): boolean {
  return pattern.endsWith(".*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
