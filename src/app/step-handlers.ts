import { redactSecrets } from "../base/secrets/redaction.js";
import type { Config } from "../config.js";
import type { ExecutorPolicy } from "../base/executor-policy.js";
import type { Engine } from "../engine/engine.js";
import type { Executor, StepHandler } from "../executors/loop/executor.js";
import type { Logger } from "../runtime/logger.js";
import { VERSION } from "../runtime/version.js";

/** Whether a process takes steps of workflows itself. */
export function executes({ commands, mcpServers }: Config): boolean {
  return commands.kind !== "off" || mcpServers.length > 0;
}

/** Policy of this process that other processes may read: of its MCP servers only their names and tools. */
export function executorPolicy(config: Config): ExecutorPolicy | false {
  if (!executes(config)) return false;
  const servers = config.mcpServers.map(({ name, tools }) => ({ name, ...(tools !== undefined && { tools }) }));
  return { ...config.commands, ...(servers.length > 0 && { servers }) };
}

export interface ExecutorStart {
  /** Bound to the executor as the caller. */
  readonly engine: Engine;
  /** Handle of the executor. */
  readonly agent: string;
  /** The only run that it serves, with its child runs. Absent: every run. */
  readonly run?: string | undefined;
  readonly config: Config;
  /** Distinguishes processes started by this server from those of other servers on this host. */
  readonly mark: string;
  readonly logger: Logger;
  isClosed(): boolean;
}

/** Loads and starts the executor with a handler per kind of step that this process may take. */
export async function startExecutor(start: ExecutorStart): Promise<Executor> {
  const { engine, agent, run, logger } = start;
  const { Executor } = await import("../executors/loop/executor.js");
  // Each command of the executor may safely run again after it committed.
  const retrying: Engine = { ...engine, transact: (command) => engine.transact(command, { idempotent: true }) };
  const executor = new Executor({
    engine: retrying,
    agent,
    run,
    handlers: await stepHandlersOf(start, retrying),
    logger,
  });
  if (!start.isClosed()) executor.start();
  return executor;
}

async function stepHandlersOf({ config, mark }: ExecutorStart, engine: Engine): Promise<StepHandler[]> {
  const { commands: policy, mcpServers: servers, outputDirectory } = config;
  const handlers: StepHandler[] = [];
  if (policy.kind !== "off") {
    const { CommandHandler } = await import("../executors/command/handler.js");
    handlers.push(new CommandHandler({ engine, policy, outputDirectory }));
  }
  if (servers.length > 0) {
    const { ToolHandler } = await import("../executors/tools/handler.js");
    handlers.push(new ToolHandler({ engine, servers, version: VERSION, mark, redact: redactSecrets }));
  }
  return handlers;
}
