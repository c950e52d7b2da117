/** A server to test the live feed against: a log, subscriptions, and sockets that can be cut at any frame. */
import type { ServerFrame, StoredEvent, ViewerFrame } from "@/lib/live/protocol";
import { anEvent } from "@/lib/live/testEvents";
import type { FeedSocket } from "./liveFeed";

export const PARTITIONS = 3;
const PAGE = 2;
const SNAPSHOT = 3;

type Cursor = { epoch: number; heads: number[] };

export class ModelServer {
  epoch = 1;
  log: StoredEvent[] = [];
  heads: number[] = new Array(PARTITIONS).fill(0);
  /** Where the last snapshot stood: everything after it is owed to the page. */
  snapshotHeads: number[] = this.heads;
  /** The one open connection. */
  socket: ModelSocket | null = null;

  open(): FeedSocket {
    this.socket = new ModelSocket(this);
    return this.socket;
  }

  append(partition: number): void {
    const offset = (this.heads[partition] ?? 0) + 1;
    this.heads[partition] = offset;
    const event = anEvent({ partition, offset, id: `${this.epoch}-${partition}-${offset}` });
    this.log.push(event);
    this.socket?.live(event);
  }

  /** The data is restored from a backup: events are numbered anew. */
  startEpoch(): void {
    this.epoch++;
    this.log = [];
    this.heads = new Array(PARTITIONS).fill(0);
    this.socket?.cut();
  }

  cursor(): string {
    return JSON.stringify({ epoch: this.epoch, heads: this.heads } satisfies Cursor);
  }
}

export class ModelSocket implements FeedSocket {
  onmessage: FeedSocket["onmessage"] = null;
  onclose: FeedSocket["onclose"] = null;
  /** Sent, and not yet with the page. */
  private readonly onTheWay: ServerFrame[] = [];
  /** The last cursor that reached the page, by subscription. */
  private readonly delivered = new Map<string, string>();
  private readonly subscriptions = new Set<string>();
  /** Pages still to be read, and what happened meanwhile: other frames may pass them. */
  private catchUps: { id: string; heads: number[]; pages: StoredEvent[][]; held: StoredEvent[] }[] =
    [];

  constructor(private readonly server: ModelServer) {
    this.put({
      type: "welcome",
      connection: "c",
      epoch: String(server.epoch),
      ping_interval_s: 20,
    });
  }

  send(text: string): void {
    const frame = JSON.parse(text) as ViewerFrame;
    if (frame.type === "subscribe") this.subscribe(frame.id, frame.cursor);
    else if (frame.type === "unsubscribe") this.unsubscribe(frame.id);
    else this.put({ type: "pong" });
  }

  close(): void {
    this.leave();
  }

  /** The connection breaks; what was on the way is lost. */
  cut(): void {
    const tell = this.onclose;
    this.leave();
    tell?.call(null as never, { code: 1006 } as CloseEvent);
  }

  live(event: StoredEvent): void {
    for (const { held } of this.catchUps) held.push(event);
    for (const id of this.subscriptions) {
      this.put({ type: "events", id, cursor: this.server.cursor(), items: [event] });
    }
  }

  /**
   * The queue is full: some of the waiting events are dropped. The viewer is told in their place, or
   * (`late`) once the rest has gone out, with a cursor from before the hole.
   */
  drop(which: (place: number) => boolean, late = false): void {
    const places = this.onTheWay.flatMap((f, i) => (f.type === "events" && which(i) ? [i] : []));
    const [first] = places;
    const frame = first === undefined ? undefined : this.onTheWay[first];
    if (first === undefined || frame?.type !== "events") return;
    const { id } = frame;
    const before = this.onTheWay.slice(0, first).findLast((f) => "id" in f && f.id === id);
    const cursor = before && "cursor" in before ? before.cursor : this.delivered.get(id);
    for (const place of places.toReversed()) this.onTheWay.splice(place, 1);
    const count = places.length;
    const dropped: ServerFrame = { type: "dropped", id, count, policy: "random" };
    if (late) this.put({ ...dropped, ...(cursor && { cursor }) });
    else this.onTheWay.splice(first, 0, dropped);
  }

  heads(): void {
    this.put({ type: "heads", cursor: this.server.cursor() });
  }

  /** Brings up to `count` frames to the page; returns whether there was one. */
  deliver(count: number): boolean {
    if (this.onTheWay.length === 0) this.readOn();
    const frames = this.onTheWay.splice(0, count);
    for (const frame of frames) {
      if ("id" in frame && "cursor" in frame && frame.cursor) {
        this.delivered.set(frame.id, frame.cursor);
      }
      this.onmessage?.call(null as never, { data: JSON.stringify(frame) } as MessageEvent);
    }
    return frames.length > 0;
  }

  private subscribe(id: string, text?: string): void {
    const { server } = this;
    const cursor = text === undefined ? null : (JSON.parse(text) as Cursor);
    if (cursor?.epoch === server.epoch) {
      const missed = server.log.filter((e) => e.offset > (cursor.heads[e.partition] ?? 0));
      this.put({ type: "resumed", id, recovered: true, missed: missed.length });
      const pages = Array.from({ length: Math.ceil(missed.length / PAGE) }, (_, i) =>
        missed.slice(i * PAGE, (i + 1) * PAGE),
      );
      this.catchUps.push({ id, heads: [...cursor.heads], pages, held: [] });
      return;
    }
    if (cursor) this.put({ type: "resumed", id, recovered: false, reason: "epoch", missed: 0 });
    const events = server.log.slice(-SNAPSHOT);
    server.snapshotHeads = [...server.heads];
    this.put({ type: "snapshot", id, cursor: server.cursor(), agents: [], tasks: [], events });
    this.put({ type: "caught_up", id, cursor: server.cursor() });
    this.subscriptions.add(id);
  }

  private unsubscribe(id: string): void {
    this.subscriptions.delete(id);
    this.catchUps = this.catchUps.filter((catchUp) => catchUp.id !== id);
  }

  /** One page of the first catch-up, or its end and what was held back for it. */
  private readOn(): void {
    const [catchUp] = this.catchUps;
    if (!catchUp) return;
    const { id, heads, pages, held } = catchUp;
    const { epoch } = this.server;
    const items = pages.shift() ?? held.splice(0);
    for (const event of items) heads[event.partition] = event.offset;
    const cursor = JSON.stringify({ epoch, heads } satisfies Cursor);
    if (items.length) this.put({ type: "events", id, cursor, items });
    if (pages.length || held.length) return;
    this.catchUps.shift();
    this.put({ type: "caught_up", id, cursor });
    this.subscriptions.add(id);
  }

  private put(frame: ServerFrame): void {
    this.onTheWay.push(structuredClone(frame));
  }

  private leave(): void {
    if (this.server.socket === this) this.server.socket = null;
    this.subscriptions.clear();
    this.catchUps = [];
    this.onTheWay.length = 0;
    this.onclose = null;
  }
}
