/**
 * The page's one socket: it connects, subscribes, resumes after a break and hands what comes to a
 * sink. All decisions are taken in lib/live; here they meet a real socket and real timers.
 */
import { FrameQueue, type Scheduler } from "@/lib/live/frameQueue";
import * as link from "@/lib/live/link";
import {
  parseFrame,
  type ServerFrame,
  type SubscriptionFrame,
  type ViewerFrame,
  type WireFilter,
} from "@/lib/live/protocol";
import * as subscription from "@/lib/live/subscription";

/** `live` has everything and feeds the fleet; `tail` is what the person filtered for. */
export type FeedRole = "live" | "tail";

/** What the feed tells the stores. */
export interface FeedSink {
  link(state: link.Link): void;
  /** How one subscription stands; null when there is none. */
  progress(role: FeedRole, state: subscription.Subscription | null): void;
  /** `charsEach`: the estimated JSON length of one event among the effects. */
  effects(role: FeedRole, effects: readonly subscription.Effect[], charsEach: number): void;
  /** Something was heard at this moment (Unix ms), and all of it is now applied. */
  heard(at: number): void;
}

/** The part of a WebSocket that the feed uses. */
export type FeedSocket = Pick<WebSocket, "onmessage" | "onclose" | "send" | "close">;

/** The world outside, so that tests can bring their own. */
export interface FeedWorld {
  open(): FeedSocket;
  /** Unix ms. */
  now(): number;
  random(): number;
  scheduler: Scheduler;
  /** Whether the session still stands; asked when the server would not let us in. */
  sessionEnded(): Promise<boolean>;
}

interface Channel {
  /** Its name on the wire. A new one for each subscribe: frames of an older life are not ours. */
  wireId: string;
  readonly filter: WireFilter | null;
  state: subscription.Subscription;
}

/** How often silence and pings are looked at. */
const TICK_MS = 1_000;
const GOING = 1000;
const EXPIRED = 4003;

export class LiveFeed {
  private state: link.Link = { name: "idle" };
  private socket: FeedSocket | null = null;
  private readonly channels = new Map<FeedRole, Channel>();
  private readonly queue: FrameQueue<{ frame: ServerFrame; chars: number }>;
  private subscribes = 0;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private ticking: ReturnType<typeof setInterval> | null = null;

  constructor(
    private readonly world: FeedWorld,
    private readonly sink: FeedSink,
  ) {
    this.queue = new FrameQueue((batch) => this.applyAll(batch), world.scheduler);
    this.channels.set("live", newChannel(null));
  }

  /** Connects, and stays connected until `stop`. */
  start(): void {
    this.ticking ??= setInterval(() => this.tick(), TICK_MS);
    this.connect();
  }

  /** Closes the socket and forgets every cursor. */
  stop(): void {
    if (this.ticking) clearInterval(this.ticking);
    this.ticking = null;
    this.hangUp();
    this.channels.clear();
    this.channels.set("live", newChannel(null));
    this.become({ name: "idle" });
  }

  /** Connects at once instead of waiting for the back-off to end. */
  retryNow(): void {
    if (this.state.name !== "open" && this.state.name !== "connecting") this.connect();
  }

  /** What the tail shall show; null for everything, which needs no subscription of its own. */
  setTailFilter(filter: WireFilter | null): void {
    const old = this.channels.get("tail");
    if (old) this.send({ type: "unsubscribe", id: old.wireId });
    this.channels.delete("tail");
    if (filter) {
      const channel = newChannel(filter);
      this.channels.set("tail", channel);
      this.subscribe("tail", channel);
    }
    this.sink.progress("tail", this.channels.get("tail")?.state ?? null);
  }

  private connect(): void {
    this.hangUp();
    this.become(link.connecting(this.state, this.world.now()));
    const socket = this.world.open();
    this.socket = socket;
    socket.onmessage = ({ data }) => this.receive(String(data));
    socket.onclose = ({ code }) => this.closed(code);
  }

  /** Lets go of the socket without waiting for its close to be answered. */
  private hangUp(code: number = GOING): void {
    if (this.retry) clearTimeout(this.retry);
    this.retry = null;
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    this.queue.flush();
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(code);
  }

  private receive(text: string): void {
    const now = this.world.now();
    this.state = link.heard(this.state, now);
    const frame = parseFrame(text);
    if (frame?.type === "welcome") this.welcomed(frame, now);
    else if (frame?.type === "bye") this.state = link.farewell(this.state, frame);
    else if (frame) this.queue.push({ frame, chars: text.length }, text.length);
    // A hidden tab's timers hardly run, so the traffic itself also keeps the connection alive.
    this.pingIfDue(now);
  }

  private welcomed(frame: Extract<ServerFrame, { type: "welcome" }>, now: number): void {
    this.become(link.welcomed(this.state, frame, now));
    for (const [role, channel] of this.channels) this.subscribe(role, channel);
  }

  private subscribe(role: FeedRole, channel: Channel): void {
    if (this.state.name !== "open") return;
    this.subscribes++;
    channel.wireId = this.subscribes === 1 ? role : `${role}-${this.subscribes}`;
    channel.state = subscription.subscribed(channel.state);
    this.send({
      type: "subscribe",
      id: channel.wireId,
      mode: "all",
      ...(channel.state.cursor !== null && { cursor: channel.state.cursor }),
      ...(channel.filter && { filter: channel.filter }),
    });
    this.sink.progress(role, channel.state);
  }

  private applyAll(batch: readonly { frame: ServerFrame; chars: number }[]): void {
    for (const { frame, chars } of batch) {
      if (frame.type === "heads") this.advanceAll(frame.cursor);
      else if ("id" in frame) this.applyOne(frame, chars);
    }
    for (const [role, channel] of this.channels) this.sink.progress(role, channel.state);
    this.sink.heard(this.world.now());
  }

  private applyOne(frame: SubscriptionFrame, chars: number): void {
    for (const [role, channel] of this.channels) {
      if (channel.wireId !== frame.id) continue;
      const taken = subscription.take(channel.state, frame, this.world.now());
      channel.state = taken.subscription;
      if (taken.effects.some((effect) => effect.kind === "resubscribe")) {
        this.send({ type: "unsubscribe", id: channel.wireId });
        this.subscribe(role, channel);
      }
      this.sink.effects(role, taken.effects, chars / eventsIn(frame));
    }
  }

  private advanceAll(cursor: string): void {
    for (const channel of this.channels.values()) {
      channel.state = subscription.advance(channel.state, cursor);
    }
  }

  private closed(code: number): void {
    this.socket = null;
    this.queue.flush();
    this.become(link.closed(this.state, code, this.world.now(), this.world.random()));
    if (this.state.name !== "waiting") return;
    const wait = this.state.retryAt - this.world.now();
    this.retry = setTimeout(() => this.connect(), wait);
    if (this.state.refused || code === EXPIRED) void this.askForSession();
  }

  /** A browser does not say why an upgrade was refused; the session's own page does. */
  private async askForSession(): Promise<void> {
    const ended = await this.world.sessionEnded();
    if (!ended || this.state.name !== "waiting") return;
    if (this.retry) clearTimeout(this.retry);
    this.become(link.signedOut("Your session has ended."));
  }

  private tick(): void {
    const now = this.world.now();
    if (link.isSilent(this.state, now)) {
      this.hangUp(link.NO_SIGN_OF_LIFE);
      this.closed(link.NO_SIGN_OF_LIFE);
    }
    this.pingIfDue(now);
  }

  private pingIfDue(now: number): void {
    if (!link.pingIsDue(this.state, now)) return;
    this.state = link.pinged(this.state, now);
    this.send({ type: "ping" });
  }

  private send(frame: ViewerFrame): void {
    if (this.state.name === "open") this.socket?.send(JSON.stringify(frame));
  }

  private become(state: link.Link): void {
    this.state = state;
    this.sink.link(state);
  }
}

function newChannel(filter: WireFilter | null): Channel {
  return { wireId: "", filter, state: subscription.NEW_SUBSCRIPTION };
}

function eventsIn(frame: SubscriptionFrame): number {
  if (frame.type === "events") return Math.max(1, frame.items.length);
  return frame.type === "snapshot" ? Math.max(1, frame.events.length + frame.agents.length) : 1;
}
