import { Session, type Profiler } from "node:inspector/promises";
import path from "node:path";
import { statementsOf, type Tx } from "../../src/store/tx.js";

/** Where the time of some work goes. */
export interface Profile {
  readonly of: string;
  /** Wall time of one unit of the work, in µs. */
  readonly unitUs: number;
  /** Functions by their own time, in µs of a unit. */
  readonly functions: readonly Share[];
  /** Statements by the time from being yielded to being answered, in µs of a unit; what they cost when watched. */
  readonly statements: readonly Share[];
  /** On SQLite: pages of 4 KiB that a unit writes to the log, and what the raw peer's does. */
  readonly logPages?: { readonly engine: number; readonly raw: number };
}

export interface Share {
  readonly what: string;
  readonly us: number;
  /** Repetitions of each unit. */
  readonly times?: number;
}

const SHOWN_MAX = 16;
const SAMPLE_US = 100;
const TEXT_SHOWN = 90;

/** Adds up, by statement, how long each takes and how often it is asked. */
export class StatementLedger {
  readonly #byText = new Map<string, { times: number; ms: number }>();

  #transactions = 0;

  /** Hands a transaction on, statement by statement. */
  readonly watch = <T>(transaction: Tx<T>): Tx<T> => {
    this.#transactions += 1;
    return this.#watched(transaction);
  };

  get transactions(): number {
    return this.#transactions;
  }

  get statements(): number {
    return [...this.#byText.values()].reduce((sum, { times }) => sum + times, 0);
  }

  shares(units: number): Share[] {
    return [...this.#byText]
      .map(([sql, { times, ms }]) => ({ what: shortened(sql), us: round((ms * 1_000) / units), times: times / units }))
      .sort((a, b) => b.us - a.us)
      .slice(0, SHOWN_MAX);
  }

  *#watched<T>(transaction: Tx<T>): Tx<T> {
    let step = transaction.next();
    while (step.done !== true) {
      // A batch has one time: it goes by its first statement.
      const statements = statementsOf(step.value);
      const sql = statements.map(([text]) => shortened(text)).join(" + ");
      const entry = this.#byText.get(sql) ?? { times: 0, ms: 0 };
      this.#byText.set(sql, entry);
      const startedAt = performance.now();
      const rows = yield step.value;
      entry.ms += performance.now() - startedAt;
      entry.times += 1;
      step = transaction.next(rows);
    }
    return step.value;
  }
}

/** Samples this process while it does the work. */
export async function selfTimes(units: number, work: () => Promise<void>): Promise<Share[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_US });
    await session.post("Profiler.start");
    await work();
    const { profile } = await session.post("Profiler.stop");
    return sharesOf(profile, units);
  } finally {
    session.disconnect();
  }
}

function sharesOf(profile: Profiler.Profile, units: number): Share[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const us = new Map<string, number>();
  const deltas = profile.timeDeltas ?? [];
  for (const [at, id] of (profile.samples ?? []).entries()) {
    const node = nodes.get(id);
    if (node === undefined) continue;
    const parent = nodes.get(parents.get(id) ?? -1);
    // Starting the profiler is no part of the work.
    if (parent?.callFrame.functionName === "post") continue;
    const name = nameOf(node, parent);
    us.set(name, (us.get(name) ?? 0) + (deltas[at] ?? 0));
  }
  return [...us]
    .map(([what, total]) => ({ what, us: round(total / units) }))
    .sort((a, b) => b.us - a.us)
    .slice(0, SHOWN_MAX);
}

/** Native code has no place of its own: it goes by who calls it. */
function nameOf({ callFrame }: Profiler.ProfileNode, parent: Profiler.ProfileNode | undefined): string {
  const name = callFrame.functionName === "" ? "(anonymous)" : callFrame.functionName;
  if (callFrame.url !== "") return `${name} ${path.basename(callFrame.url)}:${callFrame.lineNumber + 1}`;
  return parent === undefined || name.startsWith("(") ? name : `${name} (native) ← ${parent.callFrame.functionName}`;
}

function shortened(sql: string): string {
  const text = sql.replaceAll(/\s+/g, " ").trim();
  return text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
