import { conditionsOf, int, many, text } from "../rows.js";
import { columns, insertInto, type RowOf, table } from "../tables.js";
import { TASKS, taskAndSpecOf, type TaskAndSpec } from "../tasks/tasks.js";
import type { QuestionQuery } from "../tasks/server-steps.js";
import type { Tx } from "../tx.js";

/** Tasks that no live agent may take, about which a person is asked. A row counts while its task is ready. */

const TAKERLESS = table("takerless", { task: text, detail: text, askedAt: int });
const ASKED = columns({ detail: text, askedAt: int });

export interface TakerlessTask extends TaskAndSpec, RowOf<typeof ASKED> {}

const SAVE = insertInto(
  TAKERLESS,
  "ON CONFLICT (task) DO UPDATE SET detail = excluded.detail, asked_at = excluded.asked_at",
);

export function* saveTakerless(row: RowOf<typeof TAKERLESS>): Tx<void> {
  yield SAVE([row]);
}

export function* deleteTakerless(task: string): Tx<void> {
  yield ["DELETE FROM takerless WHERE task = $1", [task]];
}

/** The tasks that are ready still, in the order in which they were made. */
export function* listTakerless(filter: QuestionQuery & { readonly task?: string }): Tx<TakerlessTask[]> {
  const { where, params } = conditionsOf([
    ["t.run =", filter.run],
    ["t.project =", filter.project],
    ["t.id >", filter.after],
    ["t.id =", filter.task],
  ]);
  return yield* many(
    (row) => ({ ...taskAndSpecOf(row), ...ASKED.read(row) }),
    [
      // sql: the comparisons are those above.
      `SELECT ${TASKS.columnsOf("t")}, s.spec, e.detail, e.asked_at FROM takerless e JOIN tasks t ON t.id = e.task AND t.status = 'ready'
         AND e.asked_at >= t.ready_at JOIN task_specs s ON s.task = t.id ${where} ORDER BY t.id LIMIT $${params.length + 1}`,
      [...params, filter.limit],
    ],
  );
}
