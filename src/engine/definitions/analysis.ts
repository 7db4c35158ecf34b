import { grouped } from "../../base/lists/groups.js";
import type { CriticalPath } from "../graph/dag.js";
import { type Definition, definitionDag, estimateOf, type Step } from "./definition.js";
import { BatonError } from "../../base/errors.js";
import { normalisePath, overlaps, type PathPattern, type PathSpace, prefixesAbove } from "../paths/paths.js";
import { type Problem, Problems } from "../../base/problems.js";
import { distinctPatterns } from "../paths/file-sets.js";
import { isTemplate } from "../expressions/interpolation.js";

/** Facts about a definition that are known before it runs. */
export interface Analysis {
  /** Keys by generation: those of one wave need only earlier ones. */
  readonly waves: readonly (readonly string[])[];
  /** Steps of the largest wave. */
  readonly width: number;
  /** Dependencies along the longest chain. */
  readonly depth: number;
  readonly critical_path: CriticalPath;
  /** All steps one after another, in ms. */
  readonly work_ms: number;
  /** At best, in ms: no run is shorter than its critical path, nor than its work divided by what may run at once, that of steps that run alone undivided. */
  readonly estimate_ms: number;
  readonly warnings: readonly string[];
}

const WARNINGS_MAX = 20;
// Patterns are compared where their directories meet; a plan where thousands meet is not compared to its end.
const PAIRS_MAX = 100_000;
const NAMED_MAX = 3;

export function analyse(definition: Definition, space: PathSpace): Analysis {
  const dag = definitionDag(definition);
  const waves = dag.waves();
  const path = dag.criticalPath();
  const atOnce = Math.max(1, Math.min(definition.max_parallel ?? dag.maxWidth, dag.maxWidth));
  const alone = aloneWork(definition);
  return {
    waves,
    width: dag.maxWidth,
    depth: dag.depth,
    critical_path: path,
    work_ms: dag.totalWorkMs,
    estimate_ms: Math.max(path.totalMs, Math.ceil(alone + (dag.totalWorkMs - alone) / atOnce)),
    warnings: [...likelyExpressions(definition), ...serialised(definition, waves, space)],
  };
}

/** The work, in ms, of steps during which no other of the run is running. */
export function aloneWork({ steps }: Pick<Definition, "steps">): number {
  const alone = steps.filter(({ parallelizable }) => parallelizable === false);
  return alone.reduce((sum, step) => sum + estimateOf(step), 0);
}

/** Texts that look as if an expression of another system were meant: they reach the agent or the person as they stand. */
function likelyExpressions({ steps, inputs }: Definition): string[] {
  const names = Object.keys(inputs);
  const found = steps.flatMap(({ key, prompt = "", ask = "", criteria }) => {
    const text = [prompt, ask, ...criteria].join("\n");
    const [braces] = /(?<![$\w])\{\{\s*(?:inputs|steps|item|run)\b[^{}]{0,80}\}\}/.exec(text) ?? [];
    const name = names.find((one) => text.includes(`$${one}`) || text.includes(`\${${one}}`));
    if (braces !== undefined) return [`${key}: ${braces} is not an expression: write $${braces}`];
    return name === undefined ? [] : [`${key}: $${name} is not an expression: write \${{ inputs.${name} }}`];
  });
  return found.length > NAMED_MAX ? [...found.slice(0, NAMED_MAX), "and more of this kind"] : found;
}

/**
 * Paths that no project could take: outside the root, empty, too long, unsupported signs. What an expression is part of is a path only
 * with its value.
 */
export function fileProblems(definition: Pick<Definition, "steps">, space: PathSpace): Problem[] {
  const problems = new Problems();
  definition.steps.forEach(({ key, files }, index) => {
    for (const side of ["write", "read"] as const) {
      files[side].forEach((path, at) => {
        const message = isTemplate(path) ? undefined : pathProblem(space, path);
        if (message !== undefined) problems.add({ path: `steps[${index}].files.${side}[${at}]`, step: key, message });
      });
    }
  });
  return problems.list();
}

function pathProblem(space: PathSpace, path: string): string | undefined {
  try {
    normalisePath(space, path);
    return undefined;
  } catch (error) {
    if (error instanceof BatonError) return error.message.replace(/\.$/, "");
    throw error;
  }
}

interface Written {
  readonly pattern: PathPattern;
  readonly writers: string[];
}

/** Steps that could run together but for the files they write, which only one may hold at a time. */
function serialised(definition: Definition, waves: readonly (readonly string[])[], space: PathSpace): string[] {
  const steps = new Map(definition.steps.map((step) => [step.key, step]));
  const warnings: string[] = [];
  for (const wave of waves) {
    const written = writtenIn(
      wave.flatMap((key) => steps.get(key) ?? []),
      space,
    );
    for (const { pattern, writers } of written) {
      if (writers.length > 1) warnings.push(`${named(writers)} write ${pattern.path}: they will run one after another`);
    }
    for (const [one, other] of meetingPairs(written)) {
      const pair = [...new Set([...one.writers.slice(0, 1), ...other.writers.slice(0, 1)])];
      if (pair.length < 2 || !overlaps(one.pattern, other.pattern)) continue;
      const paths = `${one.pattern.path} and ${other.pattern.path}`;
      warnings.push(`${named(pair)} write ${paths}, which overlap: they will run one after another`);
      if (warnings.length > WARNINGS_MAX) break;
    }
    if (warnings.length > WARNINGS_MAX) return [...warnings.slice(0, WARNINGS_MAX), "and more of this kind"];
  }
  return warnings;
}

/** The distinct patterns that the steps of a wave write. */
function writtenIn(wave: readonly Step[], space: PathSpace): Written[] {
  const byKey = new Map<string, Written>();
  for (const { key, files } of wave) {
    const known = files.write.filter((path) => !isTemplate(path));
    for (const pattern of distinctPatterns(space, known)) {
      const there = byKey.get(pattern.key);
      if (there) there.writers.push(key);
      else byKey.set(pattern.key, { pattern, writers: [key] });
    }
  }
  return [...byKey.values()];
}

/** Each pair of which one stands at or above the literal directory of the other; only these can overlap. Bounded. */
function* meetingPairs(written: readonly Written[]): Generator<[Written, Written]> {
  const byPrefix = grouped(written, ({ pattern }) => pattern.prefix);
  const order = new Map(written.map((one, index) => [one, index]));
  let comparisons = 0;
  for (const [index, one] of written.entries()) {
    for (const other of prefixesAbove(one.pattern).flatMap((prefix) => byPrefix.get(prefix) ?? [])) {
      if (++comparisons > PAIRS_MAX) return;
      // Two at the same place meet from both sides.
      const twice = other.pattern.prefix === one.pattern.prefix && (order.get(other) ?? 0) >= index;
      if (!twice) yield [other, one];
    }
  }
}

function named(keys: readonly string[]): string {
  const shown = keys.slice(0, NAMED_MAX).map((key) => `"${key}"`);
  const rest = keys.length - shown.length;
  return `steps ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
