import type { Config } from "../config.js";
import type { ExecutorPolicy } from "../base/executor-policy.js";
import type { ExecutorHost, Work } from "../executors/loop/executor.js";
import { VERSION } from "../runtime/version.js";

/** Whether a process takes steps of workflows itself. */
export function executes({ commands, mcpServers }: Config): boolean {
  return commands.kind !== "off" || mcpServers.length > 0;
}

/** What the others may know of what this process carries out: of other servers no more than their names and tools. */
export function executorPolicy(config: Config): ExecutorPolicy | false {
  if (!executes(config)) return false;
  const servers = config.mcpServers.map(({ name, tools }) => ({ name, ...(tools !== undefined && { tools }) }));
  return { ...config.commands, ...(servers.length > 0 && { servers }) };
}

export interface WorksParts {
  readonly host: ExecutorHost;
  /** Tells what this process starts from what others on this host start. */
  readonly mark: string;
}

/** The kinds of work that a process may do, each loaded only where it may. */
export async function worksOf(config: Config, { host, mark }: WorksParts): Promise<Work[]> {
  const { commands: policy, mcpServers: servers, outputDirectory } = config;
  const works: Work[] = [];
  if (policy.kind !== "off") {
    const { CommandWork } = await import("../executors/command/handler.js");
    works.push(new CommandWork({ host, policy, outputDirectory }));
  }
  if (servers.length > 0) {
    const [{ ToolWork }, { redactSecrets }] = await Promise.all([
      import("../executors/tools/handler.js"),
      import("../store/redaction.js"),
    ]);
    works.push(new ToolWork({ host, servers, version: VERSION, mark, redact: redactSecrets }));
  }
  return works;
}
