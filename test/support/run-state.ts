import { int, intOrNull, text, textOrNull } from "../../src/store/rows.js";
import type { Row, Store, Tx } from "../../src/store/tx.js";

/** What a run is, apart from who holds what and from the numbers that only grow. */
export interface RunState {
  readonly at: number;
  readonly run: Row;
  /** By key. */
  readonly tasks: Readonly<Record<string, TaskState>>;
  readonly signals: readonly Row[];
  /** Task and error of each open dead letter. */
  readonly letters: readonly Row[];
}

export interface TaskState {
  readonly row: Row;
  readonly needs: readonly string[];
  /** What the attempt that counts has come to. */
  readonly counts: { readonly outcome: string; readonly result: string | null; readonly error: string | null } | null;
  readonly startsWithin: boolean;
  readonly toStop: boolean;
}

/** A run that went back leaves behind what was made since: it is out of the graph. */
const LEFT_BEHIND = /~/;
const GROWS = ["token", "attempt"];
/** What a run keeps that goes back: its revision only grows, and what was spent stays spent. */
const STAYS = ["revision", "budget_of", "over_budget"];
const HOLDERS = [
  "agent",
  "session",
  "lease_expires_at",
  "heartbeat_at",
  "percent",
  "orders",
  "holds_files",
  "started_at",
];

export function stateOf(store: Store, run: string): Promise<RunState> {
  return store.read(function* (ctx): Tx<RunState> {
    const [own] = yield ["SELECT * FROM runs WHERE id = $1", [run]];
    const rows = yield [
      `SELECT t.*, s.spec, a.outcome, a.result, a.error FROM tasks t JOIN task_specs s ON s.task = t.id
       LEFT JOIN attempts a ON a.task = t.id AND a.number = t.attempt WHERE t.run = $1 ORDER BY t.id`,
      [run],
    ];
    const edges = yield [
      "SELECT d.task, d.dependency FROM dependencies d JOIN tasks t ON t.id = d.task WHERE t.run = $1 ORDER BY d.task, d.dependency",
      [run],
    ];
    const kept = rows.filter((row) => !LEFT_BEHIND.test(text(row, "key")));
    return {
      at: ctx.now,
      run: without(own ?? {}, STAYS),
      tasks: Object.fromEntries(kept.map((row) => [text(row, "key"), taskStateOf(row, edges)])),
      signals: yield ["SELECT task, event, payload FROM signals WHERE run = $1 ORDER BY id", [run]],
      letters: yield [
        "SELECT task, error FROM dead_letters WHERE run = $1 AND status = 'pending' ORDER BY task",
        [run],
      ],
    };
  });
}

function taskStateOf(row: Row, edges: readonly Row[]): TaskState {
  const { spec, outcome, result, error, ...rest } = row;
  const running = row["status"] === "running";
  const came = typeof outcome === "string" && (result !== null || error !== null);
  return {
    row: { ...without(rest, GROWS), spec: spec ?? null },
    needs: edges.filter(({ task }) => task === row["id"]).map((edge) => text(edge, "dependency")),
    counts: came && !running ? { outcome, result: textOrNull(row, "result"), error: textOrNull(row, "error") } : null,
    startsWithin: String(spec).includes("schedule_to_start"),
    toStop: running && row["orders"] === "cancel_requested",
  };
}

function without(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([column]) => !columns.includes(column)));
}

/** How a run must stand that goes back, at an instant, to how it stood: what was held is nobody's, time that is gone back over does not count. */
export function resumedState(then: RunState, at: number): RunState {
  const over = at - then.at;
  const tasks = Object.entries(then.tasks).map(([key, task]) => [key, resumedTask(task, over)] as const);
  return { ...then, at, tasks: Object.fromEntries(tasks) };
}

const ENDED = ["succeeded", "skipped", "blocked", "cancelled", "dead_letter"];

function resumedTask(task: TaskState, over: number): TaskState {
  const { row } = task;
  const status = text(row, "status");
  if (ENDED.includes(status)) return { ...task, row: comparable(row) };
  const [closeBy, readyAt] = [intOrNull(row, "close_by"), intOrNull(row, "ready_at")];
  const shifted = {
    close_by: closeBy === null ? null : closeBy + over,
    ready_at: readyAt !== null && task.startsWithin ? readyAt + over : readyAt,
  };
  const after = status === "running" ? { ...row, ...shifted, status: "ready" } : { ...row, ...shifted };
  return { ...task, toStop: false, row: comparable(after, status === "running") };
}

/** Without what says who held it, and of what was held without when somebody looks and when it was ready. */
function comparable(row: Row, held = false): Row {
  return without(row, [...HOLDERS, ...(held ? ["due_at", "ready_at"] : [])]);
}

/** A state as it is, cut to what is compared with one that was gone back to. */
export function comparedWith(state: RunState, expected: RunState): RunState {
  const tasks = Object.entries(state.tasks).map(([key, task]) => {
    const held = expected.tasks[key]?.row["due_at"] === undefined;
    return [key, { ...task, row: comparable(task.row, held) }] as const;
  });
  return { ...state, tasks: Object.fromEntries(tasks) };
}

export function tokensOf(store: Store, run: string): Promise<Record<string, number>> {
  return store.read(function* () {
    const rows = yield ["SELECT id, token FROM tasks WHERE run = $1 ORDER BY id", [run]];
    return Object.fromEntries(rows.map((row) => [text(row, "id"), int(row, "token")]));
  });
}
