/** One pretended dashboard connection: subscribe, snapshot or resume, live, and drops on request. */
import { randomUUID } from "node:crypto";
import { matches } from "./log.mjs";

const PING_INTERVAL_S = 20;
const HEADS_MS = 3_000;
const SNAPSHOT_EVENTS = 500;
const PAGE = 200;

export class Viewer {
  subscriptions = new Map();
  dropping = 0;

  constructor(socket, log, fleet) {
    this.socket = socket;
    this.log = log;
    this.fleet = fleet;
    this.onEvents = (events) => this.live(events);
    this.onAgents = (items) => this.forAll((id) => this.send({ type: "agents", id, items }));
    log.listeners.add(this.onEvents);
    fleet.listeners.add(this.onAgents);
    this.heads = setInterval(() => this.send({ type: "heads", cursor: log.cursor() }), HEADS_MS);
    socket.on("message", (data) => this.receive(JSON.parse(data.toString())));
    socket.on("close", () => this.leave());
    this.send({
      type: "welcome",
      connection: randomUUID(),
      epoch: log.epoch,
      ping_interval_s: PING_INTERVAL_S,
    });
  }

  receive(frame) {
    if (frame.type === "ping") this.send({ type: "pong" });
    else if (frame.type === "unsubscribe") this.subscriptions.delete(frame.id);
    else if (frame.type === "subscribe") this.subscribe(frame);
  }

  subscribe({ id, cursor, filter }) {
    const heads = cursor ? this.log.read(cursor) : null;
    if (cursor && !heads) {
      this.send({ type: "resumed", id, recovered: false, reason: "epoch", missed: 0 });
    }
    if (heads) {
      const missed = this.log.after(heads).filter((event) => matches(filter, event));
      this.send({ type: "resumed", id, recovered: true, missed: missed.length });
      for (let from = 0; from < missed.length; from += PAGE) {
        const items = missed.slice(from, from + PAGE);
        const last = from + PAGE >= missed.length;
        this.send({ type: "events", id, cursor: last ? this.log.cursor() : cursor, items });
      }
    } else {
      const events = this.log.events.filter((event) => matches(filter, event));
      this.send({
        type: "snapshot",
        id,
        cursor: this.log.cursor(),
        agents: this.fleet.list(),
        tasks: [],
        events: events.slice(-SNAPSHOT_EVENTS),
      });
    }
    this.send({ type: "caught_up", id, cursor: this.log.cursor() });
    this.subscriptions.set(id, filter ?? null);
  }

  live(events) {
    if (this.dropping > 0) {
      const count = Math.min(this.dropping, events.length);
      this.dropping -= count;
      this.dropped = (this.dropped ?? 0) + count;
      if (this.dropping > 0) return;
      this.forAll((id) => this.send({ type: "dropped", id, count: this.dropped, policy: "tail" }));
      this.dropped = 0;
      return;
    }
    this.forAll((id, filter) => {
      const items = events.filter((event) => matches(filter, event));
      if (items.length) this.send({ type: "events", id, cursor: this.log.cursor(), items });
    });
  }

  forAll(tell) {
    for (const [id, filter] of this.subscriptions) tell(id, filter);
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  /** Says goodbye with a close code of the protocol, or just goes (no code). */
  close(code, reason) {
    if (!code) return this.socket.terminate();
    this.send({ type: "bye", code, reason, reconnect: code < 4500 });
    this.socket.close(code, reason);
  }

  leave() {
    clearInterval(this.heads);
    this.log.listeners.delete(this.onEvents);
    this.fleet.listeners.delete(this.onAgents);
  }
}
