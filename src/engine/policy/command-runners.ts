import { type RegisteredExecutor, liveExecutors } from "../../store/presence/executors.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import type { Reason } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { lineAllowed } from "./command-policy.js";
import type { EngineContext } from "../context.js";
import type { ExecutorPolicy } from "../../base/executor-policy.js";

const LINE_SHOWN_MAX = 200;

/** Why no running server would start a command line in a project now; undefined where one would. */
export function* commandObstacle(
  ctx: EngineContext,
  command: { readonly project: string; readonly line: string },
): Tx<Reason | undefined> {
  const executors = yield* liveExecutors(ctx.now);
  const able = executors.filter((executor) => lineAllowed(policyOf(executor), command.line));
  if (able.length === 0)
    return { kind: "commands_not_allowed", detail: refusal(executors, command.line), blocking: [] };
  if (able.some(({ absentRoots }) => !absentRoots.includes(command.project))) return undefined;
  const project = yield* findProjectByReference(command.project);
  const hosts = [...new Set(able.map(({ host }) => host))].join(", ");
  return {
    kind: "root_missing",
    detail: `the root ${project?.root ?? ""} of its project is not a directory on ${hosts}, where commands are run`,
    blocking: [],
  };
}

/** Of these command lines, those that no running server would start, and why. */
export function* linesNotAllowed(
  ctx: EngineContext,
  lines: readonly string[],
): Tx<{ count: number; detail: string } | undefined> {
  if (lines.length === 0) return undefined;
  const executors = yield* liveExecutors(ctx.now);
  const policies = executors.map(policyOf);
  const refused = lines.filter((line) => !policies.some((policy) => lineAllowed(policy, line)));
  const [first] = refused;
  return first === undefined ? undefined : { count: refused.length, detail: refusal(executors, first) };
}

/** How many running servers may run commands. */
export function* commandRunners(ctx: EngineContext): Tx<number> {
  return (yield* liveExecutors(ctx.now)).filter((executor) => policyOf(executor).kind !== "off").length;
}

function refusal(executors: readonly RegisteredExecutor[], line: string): string {
  if (executors.every((executor) => policyOf(executor).kind === "off"))
    return "no running server is allowed to run commands";
  const shown = line.length > LINE_SHOWN_MAX ? `${line.slice(0, LINE_SHOWN_MAX)}…` : line;
  return `no allow pattern of a running server matches ${JSON.stringify(shown)}`;
}

/** The text was written from a policy by `openSession`. */
export function policyOf({ policy }: RegisteredExecutor): ExecutorPolicy {
  return JSON.parse(policy) as ExecutorPolicy;
}
