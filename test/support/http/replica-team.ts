import { Checker, findingsText } from "../checker/checker.js";
import { type Acknowledged, acknowledgedBy } from "../checker/journal.js";
import { startApp } from "../servers/app.js";
import { resultOf } from "../servers/result-of.js";
import { until } from "../until.js";
import { bearing } from "./http-server.js";
import type { RoundRobin } from "./round-robin.js";
import type { PersonsDatabase } from "./tokens.js";

const WIDTH = 4;
const PAUSE_MS_MAX = 120_000;
const AGENTS = ["ann", "ben", "cara", "dan"];

/** Four agents that do a run together, each call of theirs wherever the proxy sends it, again under one key until it is answered. */
export interface ReplicaTeam {
  /** Tasks of which a client was told that they are done. */
  readonly done: ReadonlySet<string>;
  readonly tasks: number;
  /** Claims and completes until all is done, each task once it may be begun. Rejects where a task is given out that is done. */
  readonly work: (mayBegin?: () => boolean) => Promise<void>;
  /**
   * Findings of the checker, which holds the history against the answers, as text; empty where nothing is lost or doubled. Rejects unless the run has succeeded.
   * `over` says whether nothing else is left to do in the database either.
   */
  readonly findings: (over?: boolean) => Promise<string>;
}

/** Starts a run of layers of four steps, each of which needs all of the layer before, and its team. */
export async function startReplicaTeam(
  person: PersonsDatabase,
  { proxy, layers }: { readonly proxy: RoundRobin; readonly layers: number },
): Promise<ReplicaTeam> {
  const bearers = new Map<string, string>();
  for (const agent of AGENTS) bearers.set(agent, await person.token("worker", "--agent", agent));
  const journal: Acknowledged[] = [];
  const done = new Set<string>();
  const call = async (agent: string, name: string, { key, ...input }: { key: string; [name: string]: unknown }) => {
    const headers = { ...bearing(bearers.get(agent)!), "Idempotency-Key": `${agent}-${key}` };
    const { status, body } = await proxy.call(name, input, headers);
    if (status !== 200) throw new Error(`${name} is answered ${status}: ${JSON.stringify(body)}`);
    journal.push(...acknowledgedBy({ name, agent, input }, body));
    return body;
  };
  const definition = { name: "layers", steps: layeredSteps(layers) };
  const started = await call("ann", "execute_workflow", { key: "start", definition, wait_seconds: 0 });
  const run = resultOf("execute_workflow", started).run.id;
  const tasks = layers * WIDTH;
  const workAs = async (agent: string, mayBegin: () => boolean): Promise<void> => {
    for (let n = 0; done.size < tasks; n++) {
      await until("the team may go on", mayBegin, PAUSE_MS_MAX);
      const claim = await call(agent, "claim_task", { key: `claim-${n}`, run, wait_seconds: 1 });
      if (claim["outcome"] !== "claimed") continue;
      const { task, lease } = resultOf("claim_task", claim);
      if (done.has(task!.id)) throw new Error(`${task!.id} is done and was given out again`);
      await call(agent, "complete_task", { key: `end-${n}`, task: task!.id, token: lease!.token, result: { agent } });
      done.add(task!.id);
    }
  };
  return {
    done,
    tasks,
    work: async (mayBegin = () => true) => void (await Promise.all(AGENTS.map((agent) => workAs(agent, mayBegin)))),
    findings: async (over = true) => {
      const { app, call: read } = await startApp({ database: person.database });
      const { status } = (await read("get_run", { run })).run;
      if (status !== "succeeded") throw new Error(`the run is ${status}`);
      return findingsText(await new Checker(await app.store()).findings({ journal, over }));
    },
  };
}

function layeredSteps(layers: number) {
  return Array.from({ length: layers * WIDTH }, (_, n) => {
    const layer = Math.floor(n / WIDTH);
    const before = Array.from({ length: WIDTH }, (_unused, m) => `s${(layer - 1) * WIDTH + m}`);
    return { key: `s${n}`, prompt: "do it", ...(layer > 0 && { needs: before }) };
  });
}
