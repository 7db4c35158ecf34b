import path from "node:path";
import { expect, test } from "vitest";
import { drawnGraphs } from "../../bench/loads/graphs.js";
import { boundsOf, lowerBound, makespanOf, type Stint, workOff } from "../../bench/loads/simulation.js";
import { recordedTraces } from "../../bench/loads/traces.js";
import { startApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

const traces = recordedTraces(path.resolve(import.meta.dirname, "../.."));
const cases = traces.flatMap((trace) => [4, 16, 64].map((agents) => ({ ...trace, agents, contended: false })));
// In recorded graphs the writer of a file comes before all its readers. Here many tasks want the same file at once.
const contended = drawnGraphs().filter(({ name }) => name === "shared files");
cases.push(...contended.map((drawn) => ({ ...drawn, agents: 16, contended: true })));

const CENTURY_MS = 100 * 365 * 86_400_000;
/** Nothing is given up in the middle: a task may take longer than any lease. */
const patient = { session_ttl_ms: CENTURY_MS, lease_ms: CENTURY_MS, task_timeout_ms: CENTURY_MS };

interface Recorded {
  readonly workflow: {
    readonly specification: {
      readonly tasks: {
        id: string;
        parents: string[];
        children: string[];
        inputFiles?: string[];
        outputFiles?: string[];
      }[];
    };
    readonly execution: { readonly tasks: { id: string; runtimeInSeconds: number }[] };
  };
}

/** A task as its file has it, and the key of its step. */
interface Read {
  readonly key: string;
  readonly needs: readonly string[];
  readonly ms: number;
  readonly writes: readonly string[];
  readonly reads: readonly string[];
}

/** Reads the file without the importer, whose steps stand in the order of the tasks. */
function readTasks(text: string, keys: readonly string[]): Read[] {
  const { specification, execution } = (JSON.parse(text) as Recorded).workflow;
  const seconds = new Map(execution.tasks.map(({ id, runtimeInSeconds }) => [id, runtimeInSeconds]));
  const keyOf = new Map(specification.tasks.map(({ id }, at) => [id, keys[at] ?? "none"]));
  return specification.tasks.map(({ id, parents, inputFiles = [], outputFiles = [] }) => {
    const above = specification.tasks.filter((other) => other.children.includes(id)).map((other) => other.id);
    return {
      key: keyOf.get(id) ?? "none",
      needs: [...new Set([...parents, ...above])].map((need) => keyOf.get(need) ?? "none"),
      ms: Math.round((seconds.get(id) ?? 0) * 1_000),
      writes: outputFiles,
      reads: inputFiles,
    };
  });
}

test.each(cases)("$name is worked off by $agents agents, in order and without a clash", async (one) => {
  const { text, agents } = one;
  const app = await startApp({ settings: patient });
  const crew = new Crew(app);
  await app.call("import_workflow", { document: text, name: "trace" });
  const { definition } = await app.call("get_workflow", { name: "trace" });
  const tasks = readTasks(
    text,
    (definition["steps"] as { key: string }[]).map(({ key }) => key),
  );
  const started = await app.call("execute_workflow", { workflow: "trace" });
  const run = started.run.id;
  const stints = await workOff(
    {
      claim: async (agent) => {
        const { task, lease } = await crew.claim(agent, { run });
        return task && lease && { key: task.key, held: { id: task.id, token: lease.token } };
      },
      complete: async (held) => void (await crew.complete(held)),
      now: () => app.clock.now(),
      advance: app.advance,
    },
    { agents, durations: new Map(tasks.map(({ key, ms }) => [key, ms])) },
  );

  expect(await crew.run(run)).toMatchObject({ status: "succeeded", counts: { succeeded: tasks.length } });
  expect(stints.map(({ key }) => key).toSorted()).toEqual(tasks.map(({ key }) => key).toSorted());
  expect(violationsOf(tasks, stints)).toEqual([]);
  const bounds = boundsOf(tasks);
  const least = lowerBound(bounds, agents);
  expect(makespanOf(stints)).toBeGreaterThanOrEqual(least);
  // No agent was idle while there was work that could start (Graham, "Bounds on multiprocessing timing anomalies",
  // 1969).
  const most = bounds.workMs / agents + bounds.criticalPathMs * (1 - 1 / agents);
  expect(makespanOf(stints)).toBeLessThanOrEqual(one.contended ? 2 * least : Math.ceil(most));
});

/** Finds violations: a start before a dependency's end, two tasks at once on a file that one writes, one agent at two tasks. */
function violationsOf(tasks: readonly Read[], stints: readonly Stint[]): string[] {
  const at = new Map(stints.map((stint) => [stint.key, stint]));
  const early = tasks.flatMap((task) =>
    task.needs.filter((need) => (at.get(need)?.endedAt ?? Infinity) > (at.get(task.key)?.startedAt ?? 0)),
  );
  const holds = new Map<string, (Stint & { writes: boolean })[]>();
  for (const { key, writes, reads } of tasks) {
    const stint = at.get(key);
    if (!stint) continue;
    for (const file of writes) push(holds, file, { ...stint, writes: true });
    for (const file of reads) if (!writes.includes(file)) push(holds, file, { ...stint, writes: false });
    push(holds, `agent ${stint.agent}`, { ...stint, writes: true });
  }
  const clashes = [...holds].filter(([, some]) =>
    some.some((one, n) => some.slice(n + 1).some((other) => (one.writes || other.writes) && overlap(one, other))),
  );
  return [...early.map((need) => `before ${need} had ended`), ...clashes.map(([file]) => `two at once: ${file}`)];
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function overlap(a: Stint, b: Stint): boolean {
  return a.startedAt < b.endedAt && b.startedAt < a.endedAt;
}
