/**
 * A process of its own on a database file, told what to do by one message of its parent and answering with one.
 */
import { once } from "node:events";
import { type Errand, errandSchema, type Report } from "./harness/errand.js";
import { EngineHandle, held } from "./harness/engine-handle.js";
import { fill } from "./harness/filled.js";
import { RawQueue } from "./peers/raw-sqlite.js";
import { percentile, timed } from "./harness/rounds.js";

const [, , text = ""] = process.argv;
const STATEMENTS_KNOWN = 10;
const errand = errandSchema.parse(JSON.parse(text));
const MANY_MS = Number.POSITIVE_INFINITY;
// A process is slow at first, while its code is compiled and its statements are prepared, which is no matter of sharing a file:
// the code is warmed up on a file of its own, as many times as a server is that has worked for a while, then the statements.
const practice = `${errand.file}-${errand.agent}`;
const alone = await queueOf({
  ...errand,
  file: practice,
  synchronous: "NORMAL",
  project: await fill(errand.by, practice, errand.warmUp),
});
await work(alone, { tasks: errand.warmUp, forMs: MANY_MS });
await alone.close();
const queue = await queueOf(errand);
await work(queue, { tasks: STATEMENTS_KNOWN, forMs: MANY_MS });
tell("ready");
await once(process, "message");
tell(await work(queue, errand));
await queue.close();
process.disconnect();

async function queueOf(of: Errand): Promise<WorkerQueue> {
  return of.by === "engine" ? engine(of) : raw(of);
}

interface WorkerQueue {
  /** Claims a task and returns the function that completes it. */
  claim(): Promise<() => Promise<unknown>>;
  close(): Promise<void>;
}

async function engine({ file, synchronous, agent, project }: Errand): Promise<WorkerQueue> {
  const handle = await EngineHandle.onSqlite(file, synchronous);
  return {
    claim: async () => {
      const brief = await handle.claim(agent, { project });
      return () => handle.complete(held(brief));
    },
    close: () => handle.close(),
  };
}

function raw({ file, synchronous, agent }: Errand): WorkerQueue {
  const hand = new RawQueue(file, synchronous);
  return {
    claim: async () => {
      const { id, token } = hand.claim(agent);
      return async () => hand.complete(id, token);
    },
    close: async () => hand.close(),
  };
}

/** Claims and completes until the time is up or as many are done as were asked for. */
async function work(at: WorkerQueue, { forMs, tasks }: Pick<Errand, "forMs" | "tasks">): Promise<Report> {
  const calls: number[] = [];
  const before = process.cpuUsage();
  const until = performance.now() + forMs;
  let done = 0;
  while (done < tasks && performance.now() < until) {
    const claim = await timed(() => at.claim());
    const complete = await timed(claim.result);
    calls.push(claim.ms, complete.ms);
    done += 1;
  }
  const { user, system } = process.cpuUsage(before);
  return {
    done,
    cpuMs: (user + system) / 1_000,
    slowestMs: percentile(calls, 1),
    p99Ms: percentile(calls, 0.99),
    rssMb: process.memoryUsage.rss() / 2 ** 20,
  };
}

function tell(message: Report | "ready"): void {
  process.send?.(message);
}
