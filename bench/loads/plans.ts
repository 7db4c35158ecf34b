import type { Parsed } from "../../src/engine/definitions/definition.js";
import { planOf } from "../harness/engine-handle.js";

export const RUN_TASKS_MAX = 10_000;
const PROMPT = "Write the page of this module from its exports and comments, and keep to the style of the others.";

/** Tasks that wait for nothing. */
export function independent(tasks: number): Parsed {
  return planOf({ name: "independent", steps: steps(tasks, () => ({})) });
}

/** The same, of twelve types in turn. */
export function typed(tasks: number): Parsed {
  return planOf({ name: "typed", steps: steps(tasks, (n) => ({ type: `type-${n % 12}` })) });
}

/** The same as independent tasks, each with a file of its own to write. */
export function filed(tasks: number): Parsed {
  return planOf({ name: "filed", steps: steps(tasks, (n) => ({ files: { write: [`docs/api/page-${n}.md`] } })) });
}

/** The same, all with one file to write. */
export function onOneFile(tasks: number, file: string): Parsed {
  return planOf({ name: "on-one-file", steps: steps(tasks, () => ({ files: { write: [file] } })) });
}

/** The same, each with a file of its own in one directory. */
export function under(tasks: number, directory: string): Parsed {
  return planOf({
    name: "under-one-directory",
    steps: steps(tasks, (n) => ({ files: { write: [`${directory}/page-${n}.md`] } })),
  });
}

/** Layers of equal width: each task needs its own column and the two beside it, of the layer before. */
export function layered(tasks: number, width: number): Parsed {
  return planOf({
    name: "layered",
    steps: steps(tasks, (n) => {
      if (n < width) return {};
      const above = Math.floor(n / width) * width - width;
      const column = n % width;
      const needs = new Set([column, (column + 1) % width, (column + width - 1) % width].map((at) => `t${above + at}`));
      return { needs: [...needs] };
    }),
  });
}

/** One task that so many others wait for. */
export function fan(dependents: number): Parsed {
  return planOf({ name: "fan", steps: steps(dependents + 1, (n) => (n === 0 ? {} : { needs: ["t0"] })) });
}

/** Returns the role that a task of `ofDemands` asks for: every fifth role writes a file. */
export const roleOf = (demand: number): string => (writesFile(demand) ? `writer-${demand}` : `thinker-${demand}`);
export const writesFile = (demand: number): boolean => demand % 5 === 0;

/** Tasks that ask in turn for one of so many roles. */
export function ofDemands(tasks: number, demands: number): Parsed {
  return planOf({
    name: "of-demands",
    steps: steps(tasks, (n) => ({
      role: roleOf(n % demands),
      ...(writesFile(n % demands) ? { files: { write: [`src/part-${n}.ts`] } } : {}),
    })),
  });
}

function steps(count: number, rest: (n: number) => Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, n) => ({ key: `t${n}`, prompt: PROMPT, ...rest(n) }));
}
