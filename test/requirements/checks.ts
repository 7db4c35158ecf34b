import type { TestApp } from "../support/servers/app.js";
import { startApp, type TestAppOptions } from "../support/servers/app.js";
import { Crew, type PlanHead, type Step } from "../support/fixtures/plan.js";

/** Exercises what the rows of its key ask for, by their own words. */
export type Check = (fixture: RowFixture) => Promise<void>;

/** By the numbers of their rows, with spaces between them. */
export type Checks = Readonly<Record<string, Check>>;

export interface Held {
  readonly id: string;
  readonly key: string;
  readonly token: number;
}

/** The task and token of a call. */
export function holdingOf({ id, token }: Held): { task_id: string; token: number } {
  return { task_id: id, token };
}

/** A server with one agent at it. */
export class RowFixture {
  readonly crew: Crew;
  readonly call: TestApp["call"];
  /** Calls by the names of the founding documents. */
  readonly ask: TestApp["callUnchecked"];

  constructor(readonly app: TestApp) {
    this.crew = new Crew(app);
    this.call = app.call;
    this.ask = app.callUnchecked;
  }

  static async open(options: TestAppOptions = {}): Promise<RowFixture> {
    const fixture = new RowFixture(await startApp(options));
    await fixture.call("create_project", { name: "here", root: fixture.app.cwd });
    return fixture;
  }

  /** With a log of everything. */
  static async logged(line: (text: string) => void): Promise<RowFixture> {
    const write = (msg: string, facts?: object) => line(JSON.stringify({ msg, ...facts }));
    return RowFixture.open({ logger: { error: write, warn: write, info: write, debug: write } });
  }

  /** Starts a run and returns its id. */
  readonly start = async (steps: readonly Step[], head: PlanHead = {}): Promise<string> =>
    (await this.crew.start(steps, head)).run.id;

  /** Starts a run of one task and claims it. */
  readonly held = async (step: Partial<Step> = {}): Promise<Held & { run: string }> => {
    const run = await this.start([{ key: "a", ...step }]);
    return { ...(await this.crew.take("ann", { run })), run };
  };

  /** A task that has failed for good, with its dead letter. */
  readonly dead = async (): Promise<{ task: string; run: string; id: string }> => {
    const run = await this.start([
      { key: "a", retry: { max_attempts: 1 }, files: { write: ["src/a.ts"] } },
      { key: "b", needs: ["a"] },
    ]);
    const held = await this.crew.take("ann", { run });
    const error = { type: "TypeError", message: "x is undefined", stack: "Traceback …" };
    await this.crew.fail(held, "", { error, partial_result: { half: true } });
    const { dead_letters: found } = await this.call("list_dead_letters", { run });
    return { task: held.id, run, id: found[0]!.id };
  };
}
