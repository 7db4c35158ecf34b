import { readFileSync } from "node:fs";
import path from "node:path";
import { startApp, type TestApp, type TestAppOptions } from "./app.js";
import { ownRuntime, temporaryDirectory } from "./databases.js";
import { Crew, type RunAnswer, type Step } from "./plan.js";
import { until } from "./until.js";

export interface CommandResult {
  readonly exit_code?: number;
  readonly output_tail: string;
  readonly output_file: string;
  readonly output_bytes: number;
  readonly truncated: boolean;
}

export interface CommandTask {
  readonly task: { readonly id: string; readonly status: string; readonly agent?: string; readonly failures: number };
  readonly result?: unknown;
  readonly attempts: readonly {
    readonly number: number;
    readonly agent: string;
    readonly outcome: string;
    readonly partial_result?: CommandResult;
    readonly error?: { readonly type: string; readonly message: string };
  }[];
}

export interface DeskOptions extends TestAppOptions {
  /** As in a person's own configuration. Everything by default. */
  readonly allow?: boolean | readonly string[];
  /** Of the project at the working directory. Default: `here`. */
  readonly project?: string;
}

/** A server in this process that may run commands, with a project at its working directory. */
export async function openDesk({ allow = true, project = "here", env, ...options }: DeskOptions = {}): Promise<Desk> {
  const cwd = options.cwd ?? temporaryDirectory();
  const output = path.join(temporaryDirectory(), "output");
  const commands = { BATON_ALLOW_COMMANDS: JSON.stringify(allow), BATON_OUTPUT_DIRECTORY: output };
  const app = await startApp({ runtime: ownRuntime(), ...options, cwd, env: { ...env, ...commands } });
  await app.call("create_project", { name: project, root: cwd });
  return new Desk(app, output);
}

export class Desk {
  readonly #crew: Crew;

  constructor(
    readonly app: TestApp,
    readonly output: string,
  ) {
    this.#crew = new Crew(app);
  }

  /** Starts a run of command steps; `given` are its inputs. */
  async start(
    steps: readonly Step[],
    { given, project = "here", ...head }: Record<string, unknown> = {},
  ): Promise<{ run: string; warnings: readonly string[] }> {
    const definition = { name: "commands", ...head, steps: steps.map((step) => ({ kind: "command", ...step })) };
    const inputs = given === undefined ? {} : { inputs: given };
    const answer = await this.app.call("execute_workflow", { definition, project, ...inputs });
    return { run: (answer["run"] as RunAnswer).id, warnings: (answer["warnings"] as string[] | undefined) ?? [] };
  }

  /** Waits for the end of a run and gives its status. */
  async ended(run: string): Promise<string> {
    const open = new Set(["running", "cancelling"]);
    const ended = async () => {
      const { status } = await this.#crew.run(run);
      return !open.has(status) && status;
    };
    // Real programs start, on a machine that other tests keep busy.
    return until(`${run} has ended`, ended);
  }

  async task(run: string, key = "a"): Promise<CommandTask> {
    const { tasks } = await this.app.call("list_tasks", { run, limit: 200 });
    const id = (tasks as { id: string; key: string }[]).find((task) => task.key === key)?.id;
    // The fields that tests of commands read; dispatch has checked the whole.
    return (await this.app.call("get_task", {
      task: id,
      include: ["attempts", "result"],
    })) as unknown as CommandTask;
  }

  async reasons(run: string, key = "a"): Promise<{ kind: string; detail: string }[]> {
    const { task } = await this.task(run, key);
    const { reasons } = await this.app.call("check_task_ready", { task: task.id });
    return reasons as { kind: string; detail: string }[];
  }

  /** What a command has written into the project, once it is there. */
  async written(name: string): Promise<string> {
    return until(`${name} is written`, () => this.file(name)?.trim() || undefined);
  }

  file(name: string): string | undefined {
    try {
      return readFileSync(path.join(this.app.cwd, name), "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** Whether there is such a process, a zombie not counted. */
export function isRunning(pid: number | string): boolean {
  try {
    process.kill(Number(pid), 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return process.platform !== "linux";
  }
}
