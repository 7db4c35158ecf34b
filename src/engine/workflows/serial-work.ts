import { rounded } from "../../base/numbers/rounding.js";
import { type Definition, definitionDag, estimateOf, type Step } from "../definitions/definition.js";
import { type Analysis, aloneWork } from "../definitions/analysis.js";
import { isTemplate } from "../expressions/interpolation.js";
import { distinctPatterns } from "../paths/file-sets.js";
import { overlaps, type PathPattern, type PathSpace } from "../paths/paths.js";

/** The part of a plan that no number of agents makes shorter. */
export interface SerialWork {
  /** The longest of the critical path, the steps that run alone, and the work on any one file, over all work: 1 where everything comes one after another. */
  readonly serial_fraction: number;
  /** Paths whose exclusive locks, more than the dependencies, bound how many agents get on at a time; the tightest first. */
  readonly bottlenecks: readonly Bottleneck[];
  readonly warnings: readonly string[];
}

interface Bottleneck {
  readonly path: string;
  /** Steps that write it. */
  readonly steps: number;
  /** Its part of all work. */
  readonly share: number;
}

const SHOWN_MAX = 5;
/** Comparisons of directories and globs with other paths. */
const PAIRS_MAX = 100_000;
const WRITERS_MIN = 3;
/** From here on a plan is called one after another. */
const SERIAL_FROM = 0.9;
const STEPS_MIN = 4;

/** Finds what a plan serialises: files that many of its steps write, scopes that keep many others waiting, a chain that one agent does as fast. */
export function serialWork(definition: Definition, analysis: Analysis, space: PathSpace): SerialWork {
  const { critical_path: path, work_ms: work, width } = analysis;
  if (work === 0) return { serial_fraction: 0, bottlenecks: [], warnings: [] };
  const written = writtenPaths(definition.steps, space);
  const longest = Math.max(path.totalMs, aloneWork(definition), ...written.map(({ ms }) => ms));
  const tight = tightest(written, { pathMs: path.totalMs, work, atOnce: atOnceIn(definition, width) });
  const fraction = Math.min(1, longest / work);
  const bottlenecks = tight.map(({ pattern, steps, ms }) => ({
    path: pattern.path,
    steps: steps.size,
    share: rounded(ms / work),
  }));
  return {
    serial_fraction: rounded(fraction),
    bottlenecks: bottlenecks.slice(0, SHOWN_MAX),
    warnings: [
      ...tight.slice(0, SHOWN_MAX).map((one) => bottleneckText(one, work)),
      ...chainText(definition, fraction),
    ],
  };
}

/** Warns of files whose locks bound how many steps get on at a time; of a plan where few steps write the same one nothing is computed. */
export function bottleneckWarnings(definition: Pick<Definition, "steps" | "max_parallel">, space: PathSpace): string[] {
  const written = writtenPaths(definition.steps, space);
  if (!written.some(({ steps }) => steps.size >= WRITERS_MIN)) return [];
  const dag = definitionDag(definition);
  const work = dag.totalWorkMs;
  const bounds = { pathMs: dag.criticalPath().totalMs, work, atOnce: atOnceIn(definition, dag.maxWidth) };
  return tightest(written, bounds)
    .slice(0, SHOWN_MAX)
    .map((one) => bottleneckText(one, work));
}

function atOnceIn({ max_parallel: most }: Pick<Definition, "max_parallel">, width: number): number {
  return Math.min(most ?? width, width);
}

/** The paths that bound a plan more than its dependencies and `max_parallel` do, the tightest first. */
function tightest(
  written: readonly WrittenPath[],
  { pathMs, work, atOnce }: { readonly pathMs: number; readonly work: number; readonly atOnce: number },
): WrittenPath[] {
  return written
    .filter(({ steps, ms }) => steps.size >= WRITERS_MIN && ms > pathMs && work / ms < atOnce)
    .sort((a, b) => b.ms - a.ms || (a.pattern.key < b.pattern.key ? -1 : 1));
}

interface WrittenPath {
  readonly pattern: PathPattern;
  /** Keys of the steps that write it. */
  readonly steps: ReadonlySet<string>;
  /** How long they take at least, with the longest other step that their locks keep out. */
  readonly ms: number;
}

/** Each written path with the steps that its lock keeps apart: those that write it come one after another, and before or after each other step that writes something of it. */
function writtenPaths(steps: readonly Step[], space: PathSpace): WrittenPath[] {
  const byKey = new Map<string, { pattern: PathPattern; steps: Set<string> }>();
  for (const { key, files } of steps) {
    const known = files.write.filter((path) => !isTemplate(path));
    for (const pattern of distinctPatterns(space, known)) {
      const there = byKey.get(pattern.key) ?? { pattern, steps: new Set() };
      there.steps.add(key);
      byKey.set(pattern.key, there);
    }
  }
  const all = [...byKey.values()];
  const times = new Map(steps.map((step) => [step.key, estimateOf(step)]));
  let pairs = 0;
  return all.map(({ pattern, steps: own }) => {
    let longest = 0;
    if (pattern.kind !== "file" && (pairs += all.length) <= PAIRS_MAX) {
      for (const other of all) {
        if (!overlaps(pattern, other.pattern)) continue;
        for (const key of other.steps) if (!own.has(key)) longest = Math.max(longest, times.get(key) ?? 0);
      }
    }
    return { pattern, steps: own, ms: [...own].reduce((sum, key) => sum + (times.get(key) ?? 0), longest) };
  });
}

function bottleneckText({ pattern, steps, ms }: WrittenPath, work: number): string {
  const percent = Math.round((100 * ms) / work);
  const bound = `${pattern.path} is written by ${steps.size} steps with ${percent} % of the work, so that at most ${(work / ms).toFixed(1)} agents get on at a time`;
  if (pattern.kind !== "file") return `${bound}: name the files that each step edits instead`;
  return `${bound}: leave it out of files.write and have it locked for its edit alone, at the end (acquire_file_lock with wait_seconds; the end of the task releases it)`;
}

/** A plan that one agent does as fast; not where steps ask for different roles, which splits it on purpose. */
function chainText({ steps }: Definition, fraction: number): string[] {
  const isOnPurpose = new Set(steps.map(({ kind, role }) => `${kind} ${role ?? ""}`)).size > 1;
  if (steps.length < STEPS_MIN || fraction < SERIAL_FROM || isOnPurpose) return [];
  const percent = Math.round(100 * fraction);
  return [
    `${percent} % of the work is one after another, so one agent does it about as fast as many: fewer, longer steps lose nothing`,
  ];
}
