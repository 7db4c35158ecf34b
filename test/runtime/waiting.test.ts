import { describe, expect, test } from "vitest";
import { PollTurns, waitFor } from "../../src/runtime/waiting.js";

/** Lets all that is due run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const CALLS = Array.from({ length: 20 }, (_, at) => at);

describe("polls of waiting calls", () => {
  test("let the first take what there is before the others look", async () => {
    const turns = new PollTurns(1);
    let tasks = 1;
    let tries = 0;
    const claim = async (): Promise<boolean> => {
      if (tasks === 0) return false;
      tries += 1;
      await turn();
      tasks -= 1;
      return true;
    };
    const taken = await Promise.all(CALLS.map(() => turns.take(claim)));
    expect({ taken: taken.indexOf(true), tries, tasks }).toEqual({ taken: 0, tries: 1, tasks: 0 });
  });

  test("go on after one that fails, so many at a time and in order", async () => {
    const turns = new PollTurns(2);
    let running = 0;
    let most = 0;
    const begun: number[] = [];
    const poll = async (at: number): Promise<void> => {
      begun.push(at);
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
      if (at === 3) throw new Error("the database does not answer");
    };
    const ended = await Promise.allSettled(CALLS.map((at) => turns.take(() => poll(at))));
    expect(ended.map(({ status }) => status).filter((status) => status === "rejected")).toHaveLength(1);
    expect({ begun, most }).toEqual({ begun: CALLS, most: 2 });
  });

  test("take nothing for a call that was given up while it stood in line", async () => {
    const turns = new PollTurns(1);
    let release = (): void => {};
    const held = turns.take(() => new Promise<void>((resolve) => (release = resolve)));
    const call = new AbortController();
    let polls = 0;
    const poll = async (): Promise<undefined> => void (polls += 1);
    const waiting = waitFor(poll, { timeoutMs: 60_000, signal: call.signal, onWake: () => () => {}, turns });
    await turn();
    call.abort();
    release();
    expect(await waiting).toBe(undefined);
    await held;
    // The first look stands in no line.
    expect(polls).toBe(1);
  });
});
