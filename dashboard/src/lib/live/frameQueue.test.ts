import { describe, expect, it } from "vitest";
import { FrameQueue, type Scheduler } from "./frameQueue";

/** A browser whose frames and clock the test moves by hand. */
class Hand implements Scheduler {
  at = 0;
  rest: number | null = null;
  private callback: (() => void) | null = null;
  private onPainted: (() => void) | null = null;

  soon(callback: () => void, restMs: number) {
    this.callback = callback;
    this.rest = restMs;
    return {
      cancel: () => {
        this.callback = null;
      },
    };
  }
  painted(callback: () => void) {
    this.onPainted = callback;
  }
  now() {
    return this.at;
  }
  frame() {
    this.callback?.();
  }
  paint() {
    this.onPainted?.();
  }
}

function queue() {
  const hand = new Hand();
  const applied: number[][] = [];
  const frames = new FrameQueue<number>((batch) => applied.push([...batch]), hand);
  return { hand, applied, frames };
}

describe("the frame queue", () => {
  it("applies everything that waited, in order, once a frame", () => {
    const { hand, applied, frames } = queue();
    for (const n of [1, 2, 3]) frames.push(n, 10);
    expect(applied).toEqual([]);
    hand.frame();
    expect(applied).toEqual([[1, 2, 3]]);
  });

  it("does not wait for a frame when too much waits already", () => {
    const { applied, frames } = queue();
    frames.push(1, 1_500_000);
    frames.push(2, 1_500_000);
    expect(applied).toEqual([[1, 2]]);
  });

  it("rests as long as the last update took", () => {
    const { hand, frames } = queue();
    frames.push(1, 1);
    expect(hand.rest).toBe(0);
    hand.frame();
    hand.at = 40;
    hand.paint();
    frames.push(2, 1);
    expect(hand.rest).toBe(40);
  });
});
