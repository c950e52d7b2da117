/** A pretended fleet: agents that take tasks, call tools, report what they use, go stale and are lost. */

const PHRASES = [
  "Reading the failing test to see what it expects",
  "The stack trace ends in serialize(); looking there first",
  "Two candidates for the regression, trying the smaller change",
  "Tests pass locally, preparing the patch",
  "Waiting for a review of the plan",
];
const COMMANDS = ["pytest -q tests/unit", "rg 'def parse' src", "git diff --stat", "ruff check ."];
const STATUSES = ["working", "planning", "waiting", "idle"];
const NAMES = ["atlas", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "islet"];
const METRICS_EVERY = 12;

const pick = (list) => list[Math.floor(Math.random() * list.length)];

export class Fleet {
  agents = new Map();
  listeners = new Set();

  /** @param {import("./log.mjs").Log} log */
  constructor(log, size) {
    this.log = log;
    for (let i = 0; i < size; i++) this.add(i);
  }

  add(i) {
    const id = i === 0 ? "manager-1" : named(i);
    const now = new Date().toISOString();
    this.agents.set(id, {
      agent_id: id,
      name: i % 3 === 0 ? NAMES[i % NAMES.length] : null,
      role: i % 50 === 0 ? "manager" : "worker",
      status: pick(STATUSES),
      note: null,
      liveness: i % 23 === 7 ? "lost" : i % 17 === 5 ? "stale" : "online",
      first_seen_at: now,
      last_seen_at: now,
      last_event_at: null,
      last_event_type: null,
      last_event_severity: null,
      task_id: `task-${1_000 + i}`,
      events: 0,
      cpu_pct: null,
      memory_bytes: null,
    });
  }

  list() {
    return [...this.agents.values()];
  }

  /** Lets `count` events happen, at the given time or now. */
  play(count, time) {
    const active = this.list().filter((agent) => agent.liveness === "online");
    if (active.length === 0) return;
    const items = Array.from({ length: count }, () => this.next(pick(active), time));
    for (const event of this.log.append(items)) this.fold(event);
  }

  next(agent, time) {
    const said = { agent_id: agent.agent_id, task_id: agent.task_id, time };
    if (agent.events % METRICS_EVERY === 0) {
      const cpu_pct = Math.round(Math.random() * 900) / 10;
      const memory_bytes = Math.round((40 + Math.random() * 260) * 1_048_576);
      return { ...said, type: "agent.metric", severity: "debug", data: { cpu_pct, memory_bytes } };
    }
    const chance = Math.random();
    if (chance < 0.3)
      return { ...said, type: "llm.called", data: { thought: pick(PHRASES), output_chars: 213 } };
    if (chance < 0.55)
      return { ...said, type: "tool.called", data: { tool: "shell", command: pick(COMMANDS) } };
    if (chance < 0.8)
      return { ...said, type: "tool.returned", data: { duration_ms: 239, output: OUTPUT } };
    if (chance < 0.88)
      return {
        ...said,
        type: "agent.status",
        data: { status: pick(STATUSES), note: pick(PHRASES) },
      };
    if (chance < 0.93)
      return {
        ...said,
        type: "task.progress",
        data: { title: "Fix the date parser", done: 3, of: 7 },
      };
    if (chance < 0.96)
      return { ...said, type: "task.completed", data: { title: "Fix the date parser" } };
    if (chance < 0.985)
      return {
        ...said,
        type: "agent.log",
        severity: "warning",
        data: { message: "Retrying after a slow answer (2.4 s)" },
      };
    if (chance < 0.997)
      return {
        ...said,
        type: "task.failed",
        severity: "error",
        data: { title: "Update the lock file", error: "exit status 1" },
      };
    return {
      ...said,
      type: "alert.raised",
      severity: "critical",
      data: { message: "Out of memory: the sandbox was killed" },
    };
  }

  fold(event) {
    const agent = this.agents.get(event.agent_id);
    Object.assign(agent, {
      events: agent.events + 1,
      last_seen_at: event.received_at,
      last_event_at: event.time,
      last_event_type: event.type,
      last_event_severity: event.severity,
      ...(event.type === "agent.metric" && event.data),
      ...(event.type === "agent.status" && event.data),
    });
  }

  /** Moves one agent between online, stale and lost, and tells who watches. */
  turn() {
    const stale = this.list().filter((agent) => agent.liveness === "stale");
    const agents = stale.length > this.agents.size / 10 ? stale : this.list();
    const agent = pick(agents.filter((one) => one.liveness !== "lost"));
    if (!agent) return;
    agent.liveness = agent.liveness === "online" ? "stale" : "online";
    for (const listener of this.listeners) listener([agent]);
  }
}

const OUTPUT =
  "\u001b[32m....\u001b[0m\u001b[31mF\u001b[0m\n\n    def test_offset():\n>       assert parse('+01:00') == 3600\nE       assert None == 3600\n\n1 failed, 4 passed in 0.31s";

function named(i) {
  const name = NAMES[i % NAMES.length];
  return i < 60 ? `${name}-${i}` : `worker-${i}`;
}
