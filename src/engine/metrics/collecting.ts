import { dollarsOf } from "../../base/money.js";
import { latestCursor, readEvents, type StoredEvent } from "../../store/events/history.js";
import { findTasks } from "../../store/tasks/lists.js";
import { lastDependencyEnds, pacesOf, type RunPace } from "../../store/tasks/pace.js";
import { type CostRow, groupedCosts } from "../../store/usage/costs.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { MetricFamily } from "./families.js";
import { HistoryTally, type TalliedFacts } from "./history-tally.js";
import { stateMetrics } from "./state-metrics.js";

interface TalliedPage {
  readonly events: readonly StoredEvent[];
  readonly facts: TalliedFacts;
  readonly cursor: string;
  readonly more: boolean;
}

const EVENTS_AT_ONCE_MAX = 1_000;
/** Events that one collection reads: after a long pause it does not go through all that was. */
const PAGES_MAX = 50;
const MODELS_MAX = 200;
const UNNAMED = "unknown";

/** Reads as a collector does. */
export interface MetricReader {
  read<T>(query: (ctx: EngineContext) => Tx<T>): Promise<T>;
}

/**
 * Everything that is measured, collected when it is asked for: between two collections nothing runs. What is counted counts from the first
 * collection of this process.
 */
export class MetricCollector {
  readonly #tally = new HistoryTally();
  readonly #usage = new UsageTotals();
  #cursor: string | undefined;
  #last: Promise<readonly MetricFamily[]> = Promise.resolve([]);

  /** One after the other: two collections at once would count the same events. */
  collect(reader: MetricReader): Promise<readonly MetricFamily[]> {
    const next = this.#last.catch(() => []).then(() => this.#collect(reader));
    this.#last = next;
    return next;
  }

  async #collect(reader: MetricReader): Promise<readonly MetricFamily[]> {
    this.#cursor ??= await reader.read(() => latestCursor());
    for (let pages = 0; pages < PAGES_MAX; pages++) {
      const from: string = this.#cursor;
      const page: TalliedPage = await reader.read(() => pageBehind(from));
      for (const event of page.events) this.#tally.observe(event, page.facts);
      this.#cursor = page.cursor;
      if (!page.more) break;
    }
    this.#usage.add(await reader.read(() => groupedCosts("model", {}, MODELS_MAX)));
    const state = await reader.read(stateMetrics);
    return [...state, ...this.#tally.families, ...this.#usage.families];
  }
}

function* pageBehind(after: string): Tx<TalliedPage> {
  const { events, cursor, more } = yield* readEvents({ after, limit: EVENTS_AT_ONCE_MAX });
  const tasksOf = (types: ReadonlySet<string>) => [
    ...new Set(events.flatMap(({ type, task }) => (task !== null && types.has(type) ? [task] : []))),
  ];
  const tasks = new Map((yield* findTasks(tasksOf(LOOKED_UP))).map((task) => [task.id, task]));
  const dependenciesEndedAt = yield* lastDependencyEnds(tasksOf(READY));
  const finished = events.flatMap(({ type, run }) => (type === "run.finished" && run !== null ? [run] : []));
  const paces = yield* pacesOf([...new Set(finished)]);
  const efficiencies = new Map(paces.map((pace) => [pace.id, efficiencyOf(pace)]));
  return { events, facts: { tasks, dependenciesEndedAt, efficiencies }, cursor, more };
}

const LOOKED_UP: ReadonlySet<string> = new Set(["task.claimed", "task.succeeded", "task.retry", "task.dead_letter"]);
const READY: ReadonlySet<string> = new Set(["task.ready"]);

/** Work over the time that as many agents as the graph is wide had for it. */
function efficiencyOf({ createdAt, endedAt, shape, workMs }: RunPace): number {
  const room = Math.max(1, endedAt - createdAt) * Math.max(1, shape.width);
  return Math.min(1, workMs / room);
}

/** Tokens and cost by model. Records go after `retention_ms`: the sums that are left then count on from there. */
class UsageTotals {
  readonly #seen = new Map<string, CostRow>();
  readonly #tokens = new Map<string, { input: number; output: number; micros: number }>();

  add(rows: readonly CostRow[]): void {
    for (const row of rows) {
      const model = row.key ?? UNNAMED;
      const before = this.#seen.get(model);
      const total = this.#tokens.get(model) ?? { input: 0, output: 0, micros: 0 };
      this.#tokens.set(model, {
        input: total.input + grown(row.inputTokens, before?.inputTokens),
        output: total.output + grown(row.outputTokens, before?.outputTokens),
        micros: total.micros + grown(row.cost, before?.cost),
      });
      this.#seen.set(model, row);
    }
  }

  get families(): MetricFamily[] {
    const totals = [...this.#tokens];
    return [
      {
        name: "llm_tokens_total",
        help: "Tokens that were reported, by model and direction.",
        type: "counter",
        samples: totals.flatMap(([model, { input, output }]) => [
          { labels: { model, direction: "input" }, value: input },
          { labels: { model, direction: "output" }, value: output },
        ]),
      },
      {
        name: "llm_cost_dollars",
        help: "Cost that was reported or estimated by list prices, by model.",
        type: "gauge",
        samples: totals.map(([model, { micros }]) => ({ labels: { model }, value: dollarsOf(micros) })),
      },
    ];
  }
}

function grown(now: number, before = 0): number {
  return Math.max(0, now - before);
}
