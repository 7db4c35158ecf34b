import { startAppOn, type TestApp } from "./app.js";
import { Checker, findingsText } from "./checker/checker.js";
import type { Backend } from "./databases.js";
import { type ClaimAnswer, Crew, type RunAnswer, type Step } from "./plan.js";

export interface Budget {
  readonly run: string;
  readonly limit: number;
  readonly spent: number;
  readonly remaining: number;
  readonly state: string;
}

interface Report {
  readonly state: string;
  readonly cost: number;
  readonly budgets: readonly (Budget & { readonly warn_at: number; readonly block_at: number })[];
}

type Held = { readonly id: string; readonly token: number };

/** A crew whose work costs something. */
export class Payers {
  readonly crew: Crew;

  constructor(readonly app: TestApp) {
    this.crew = new Crew(app);
  }

  static async start(backend: Backend): Promise<Payers> {
    const app = await startAppOn(backend, { channel: "human" });
    await app.call("create_project", { name: "demo", root: app.cwd });
    return new Payers(app);
  }

  async run(steps: readonly Step[], budget?: number): Promise<string> {
    const definition = { name: "dear", steps: steps.map((step) => ({ ...prompted(step), ...step })) };
    const given = budget === undefined ? {} : { budget };
    const { run } = await this.app.call("execute_workflow", { project: "demo", definition, ...given });
    return (run as RunAnswer).id;
  }

  /** Claims and completes a task of a run at this price. */
  async pay(run: string, cost: number): Promise<void> {
    await this.complete(await this.crew.take("ann", { run }), cost);
  }

  async complete({ id: task, token }: Held, cost: number): Promise<void> {
    await this.app.call("complete_task", { task, token, usage: { model: "m", cost } });
  }

  async claim(run: string): Promise<ClaimAnswer & { detail?: string }> {
    return this.crew.claim("ann", { run, fresh: true });
  }

  async set(run: string, limit: number | null, more = {}): Promise<Report> {
    return (await this.app.call("set_budget", { run, limit, ...more })) as unknown as Report;
  }

  async check(run: string): Promise<Report> {
    return (await this.app.call("check_budget", { run })) as unknown as Report;
  }

  async shown(run: string): Promise<Budget | undefined> {
    return (await this.app.call("get_run", { run }))["budget"] as Budget | undefined;
  }

  async events(run: string, types: readonly string[]): Promise<{ type: string; data: { budget: Budget | null } }[]> {
    return (await this.app.call("list_events", { run, types }))["events"] as never;
  }

  /** A run whose step runs a workflow of two tasks, the run that this is in, and so on; the outermost first. */
  async nested(budget: number, depth = 1): Promise<string[]> {
    let name = "flow0";
    const two = ["in", "too"].map((key) => ({ key, prompt: key }));
    await this.app.call("create_workflow", { project: "demo", name, definition: { steps: two } });
    for (let level = 1; level < depth; level++) {
      const steps = [{ key: "call", kind: "workflow", workflow: name }];
      name = `flow${level}`;
      await this.app.call("create_workflow", { project: "demo", name, definition: { steps } });
    }
    const runs = [await this.run([{ key: "call", kind: "workflow", workflow: name }, { key: "own" }], budget)];
    for (let level = 0; level < depth; level++) {
      await this.settle();
      runs.push(await this.childOf(runs.at(-1) ?? ""));
    }
    return runs;
  }

  async childOf(run: string, key = "call"): Promise<string> {
    const { waiting } = await this.app.call("get_run", { run });
    const found = (waiting as { key: string; child_run?: string }[]).find((task) => task.key === key);
    return found?.child_run ?? "";
  }

  /** What the next ticks find. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) await this.app.advance(1);
  }

  /** What the checker finds. */
  async findings(): Promise<string> {
    return findingsText(await new Checker(await this.app.app.store()).findings());
  }
}

function prompted({ key, kind }: Step): { prompt?: string } {
  return kind === undefined ? { prompt: `do ${key}` } : {};
}
