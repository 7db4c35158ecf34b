import { BatonError } from "../../base/errors.js";
import { RUN_ID } from "../../base/names.js";
import type { ResultOf } from "../../tools/registry.js";
import { UsageError } from "../failure.js";
import type { RunAnswer, TypedCall } from "../typed-calls.js";

const PAGE = 200;
/** Runs that a name or the beginning of an id is looked up among. */
const PAGES_MAX = 5;
const NAMED_MAX = 5;

/**
 * The run that a person means: by its id, by the beginning of an id that no other has, or by a name, which means its newest run.
 * Without a reference: the newest run. Errors: `not_found`; `UsageError` for the beginning of several ids.
 */
export async function findRun(call: TypedCall, reference: string | undefined): Promise<RunAnswer> {
  if (reference !== undefined && RUN_ID.test(reference)) return (await call("get_run", { run: reference })).run;
  const beginning = reference === undefined ? undefined : idBeginning(reference);
  const matches: RunAnswer[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const found: ResultOf<"list_runs"> = await call("list_runs", { limit: reference === undefined ? 1 : PAGE, cursor });
    for (const run of found.runs) {
      if (reference === undefined || run.name === reference) return run;
      if (beginning !== undefined && run.id.startsWith(beginning)) matches.push(run);
    }
    cursor = found.next_cursor;
    if (cursor === undefined) break;
  }
  const [only, ...others] = matches;
  if (only === undefined) throw noSuchRun(reference);
  if (others.length === 0) return only;
  const shown = matches.slice(0, NAMED_MAX).map(({ id, name }) => `${id} (${name})`);
  const more = matches.length > shown.length ? ` and ${matches.length - shown.length} more` : "";
  throw new UsageError(
    `"${reference ?? ""}" begins ${matches.length} ids: ${shown.join(", ")}${more}. Type more of one.`,
  );
}

function idBeginning(reference: string): string | undefined {
  const rest = reference.startsWith("run_") ? reference.slice("run_".length) : reference;
  return /^[0-9a-z]{1,16}$/.test(rest) ? `run_${rest}` : undefined;
}

function noSuchRun(reference: string | undefined): BatonError {
  if (reference === undefined)
    return new BatonError("not_found", "There are no runs yet. Start one: baton run FILE.yaml.", {});
  const message = `There is no run with the id or name "${reference}". \`baton runs\` lists them.`;
  return new BatonError("not_found", message, {});
}
