import { buildDag, dependencyEdges, findCycle } from "./dag.js";
import { DEPENDENCIES_MAX } from "../../base/limits.js";
import { hint } from "../../base/names.js";
import type { Problems } from "../../base/problems.js";
import type { Settings } from "../../base/settings.js";

/** How a step hangs together with others, as far as it could be read. */
export interface StepLinks {
  readonly key: string | undefined;
  readonly needs: readonly string[];
  readonly trigger: unknown;
}

type KeyedLinks = StepLinks & { readonly key: string };

const CYCLES_MAX = 10;

/** Repeated keys, needs that are no step or the step itself, rules without dependencies, cycles, depth, and too many of them. */
export function addGraphProblems(
  steps: readonly StepLinks[],
  limits: Pick<Settings, "depth_max">,
  problems: Problems,
): void {
  const dependencies = steps.reduce((sum, { needs }) => sum + needs.length, 0);
  if (dependencies > DEPENDENCIES_MAX) {
    const message = `${dependencies} dependencies, the limit is ${DEPENDENCIES_MAX}: let many steps need one that needs the many before it`;
    problems.add({ path: "steps", message, limit: true });
    return;
  }
  const firstAt = new Map<string, number>();
  steps.forEach(({ key }, index) => {
    if (key === undefined) return;
    const first = firstAt.get(key);
    if (first === undefined) firstAt.set(key, index);
    else problems.add({ path: `steps[${index}].key`, step: key, message: `steps[${first}] has this key already` });
  });
  steps.forEach((step, index) => addNeedsProblems({ step, index, known: firstAt }, problems));
  // Only what holds together so far can be searched for cycles, whatever else is wrong.
  const sound = steps
    .filter((step, index): step is KeyedLinks => step.key !== undefined && firstAt.get(step.key) === index)
    .map(({ key, needs }) => ({ key, needs: needs.filter((need) => need !== key && firstAt.has(need)), weightMs: 0 }));
  if (addCycles(sound, problems) > 0) return;
  const { depth } = buildDag(sound);
  if (depth > limits.depth_max) {
    problems.add({
      path: "steps",
      message: `a chain of ${depth} dependencies, the limit is ${limits.depth_max}`,
      limit: true,
    });
  }
}

interface Placed {
  readonly step: StepLinks;
  readonly index: number;
  readonly known: ReadonlyMap<string, number>;
}

function addNeedsProblems({ step, index, known }: Placed, problems: Problems): void {
  const { key, needs, trigger } = step;
  const about = key === undefined ? {} : { step: key };
  needs.forEach((need, at) => {
    const path = `steps[${index}].needs[${at}]`;
    if (need === key) problems.add({ path, ...about, message: "a step cannot need itself" });
    else if (!known.has(need)) {
      const meant = problems.full ? "" : hint(need, known.keys());
      problems.add({ path, ...about, message: `needs "${need}", which is not a step${meant}` });
    }
  });
  if ((trigger === "one_succeeded" || trigger === "one_failed") && needs.length === 0) {
    const message = `"${trigger}" can never hold for a step that needs nothing`;
    problems.add({ path: `steps[${index}].trigger`, ...about, message });
  }
}

/** Adds each cycle found with its path; how many. */
function addCycles(steps: readonly { key: string; needs: readonly string[] }[], problems: Problems): number {
  let edges = [...dependencyEdges(steps)];
  for (let found = 0; found < CYCLES_MAX; found++) {
    const cycle = findCycle(edges);
    if (cycle === undefined) return found;
    const [step = "", need] = cycle;
    problems.add({ path: "steps", step, cycle, message: `steps need each other in a cycle: ${cycle.join(" → ")}` });
    // Opened here, so that the search finds the next one.
    edges = edges.filter(([from, to]) => from !== step || to !== need);
  }
  return CYCLES_MAX;
}
