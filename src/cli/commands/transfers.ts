import path from "node:path";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { bytes } from "../terminal/durations.js";
import { importWorkflow } from "./workflow.js";

/** `baton backup`: copies the database file while servers use it. */
export async function backup({ host, cwd }: CommandContext, file: string, options: Shared): Promise<CommandAnswer> {
  const { database } = host.readConfig(options);
  const made = await host.backUp(database, path.resolve(cwd, file));
  const text = `${made.file}: ${bytes(made.bytes)}, a whole copy\n  restore: stop the servers, then copy it over the database file, or use it: BATON_DB=${made.file}`;
  return { data: made, text };
}

/** `baton export`: writes every row as lines of JSON. */
export async function exportAll({ open, host, cwd }: CommandContext, file: string): Promise<CommandAnswer> {
  const { app } = await open();
  const made = await host.exportTo(app, path.resolve(cwd, file));
  const text = `${made.file}: ${made.rows} rows, ${bytes(made.bytes)}\n  import it into an empty database: BATON_DB=NEW.db baton import ${made.file}`;
  return { data: made, text };
}

/** `baton import`: an export goes into the empty database, anything else is a workflow of another system. */
export async function importFile(
  context: CommandContext,
  file: string,
  options: { readonly project?: string; readonly name?: string },
): Promise<CommandAnswer> {
  const whole = path.resolve(context.cwd, file);
  if (file === "-" || !(await context.host.isExport(whole))) return importWorkflow(context, file, options);
  const { app } = await context.open();
  const made = await context.host.importFrom(app, whole);
  return { data: made, text: `Imported ${made.rows} rows from ${made.file}.` };
}
