import path from "node:path";
import { shownJson } from "../../base/texts/shown-text.js";
import type { InputOf, ResultOf } from "../../tools/registry.js";
import { UsageError } from "../failure.js";
import { findRun } from "../run/run-reference.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { bytes } from "../terminal/durations.js";

/** `baton backup`: copies the database file while servers use it. */
export async function backup({ host, cwd }: CommandContext, file: string, options: Shared): Promise<CommandAnswer> {
  const { database } = host.readConfig(options);
  const made = await host.backUp(database, path.resolve(cwd, file));
  const text = `${made.file}: ${bytes(made.bytes)}, a whole copy\n  restore: stop the servers, then copy it over the database file, or use it: BATON_DB=${made.file}`;
  return { data: made, text };
}

/** Tasks of one call, at most. */
const TASKS_MAX = 10_000;

interface ExportOptions {
  readonly format?: InputOf<"export_run">["format"];
  readonly run?: string;
}

/** `baton export`: writes every row as lines of JSON, or the tasks of one run as a document. */
export async function exportFile(
  context: CommandContext,
  file: string | undefined,
  options: ExportOptions,
): Promise<CommandAnswer> {
  if (options.format !== undefined || options.run !== undefined) return exportOneRun(context, file, options);
  if (file !== undefined && file !== "-") return exportAll(context, file);
  throw new UsageError(
    "baton export writes the whole database into a file: name one. A run's tasks: baton export --format markdown [--run RUN] [FILE].",
  );
}

async function exportOneRun(
  context: CommandContext,
  file: string | undefined,
  { format = "markdown", run: reference }: ExportOptions,
): Promise<CommandAnswer> {
  const { id, name } = await findRun(context.call, reference);
  const { document, tasks } = await documentOf(context, { run: id, format });
  if (file === undefined || file === "-") return { data: { run: id, format, tasks, document }, text: "", document };
  const made = await context.host.saveDocument(document, path.resolve(context.cwd, file));
  return { data: { run: id, format, tasks, ...made }, text: `${made.file}: ${tasks} tasks of ${name}` };
}

/** The document of a run. One page holds most runs as they are at one instant; a larger one is read page by page. */
async function documentOf({ asPerson }: CommandContext, { run, format }: { run: string; format: string }) {
  const pages: string[] = [];
  let tasks = 0;
  let cursor: string | undefined;
  do {
    const input = { run, format, limit: TASKS_MAX, ...(cursor !== undefined && { cursor }) };
    // Not by `call`: the document has been neutralised, and its line ends are its format's.
    const { result } = await asPerson(async ({ dispatch }) => (await dispatch()).call("export_run", input));
    const page = result as ResultOf<"export_run">;
    pages.push(page.document);
    tasks += page.tasks;
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return { tasks, document: format === "json" ? joinedJson(pages) : pages.join("") };
}

/** One JSON document of the pages of a run. */
function joinedJson(pages: readonly string[]): string {
  const [first = "", ...rest] = pages;
  if (rest.length === 0) return first;
  const whole = pages.map((page) => JSON.parse(page) as { tasks: unknown[] });
  return `${shownJson({ ...whole[0], tasks: whole.flatMap(({ tasks }) => tasks) }, 2)}\n`;
}

async function exportAll({ open, host, cwd }: CommandContext, file: string): Promise<CommandAnswer> {
  const { app } = await open();
  const made = await host.exportTo(app, path.resolve(cwd, file));
  const text = `${made.file}: ${made.rows} rows, ${bytes(made.bytes)}\n  import it into an empty database: BATON_DB=NEW.db baton import ${made.file}`;
  return { data: made, text };
}
