import { z } from "zod";
import { EXPORT_FORMATS, exportDocument } from "../engine/runs/export-forms.js";
import { exportRun } from "../engine/runs/exports.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";

const EXPORTED_TASKS_MAX = 10_000;

export const exportRunOperation = defineOperation({
  name: "export_run",
  title: "Export a run",
  description:
    "Writes a run's tasks as a document: Markdown check list, JSON or CSV, with states, holders, results and dependencies. import_workflow reads Markdown and JSON back. Secrets are redacted.",
  area: "runs",
  effect: "read",
  words: ["save the plan as a file", "spreadsheet", "share the tasks"],
  input: z.object({
    run: params.run,
    format: z.enum(EXPORT_FORMATS).default("markdown"),
    limit: z.int().min(1).max(EXPORTED_TASKS_MAX).default(params.PAGE_SIZE_MAX),
    cursor: params.paging.cursor,
  }),
  output: z.object({
    format: z.enum(EXPORT_FORMATS),
    tasks: z.int(),
    document: z.string(),
    next_cursor: z.string().optional(),
  }),
  *run(_ctx, { format, ...query }) {
    const { next, ...page } = yield* exportRun(query);
    return { format, tasks: page.tasks.length, document: exportDocument(format, page), ...next };
  },
});
