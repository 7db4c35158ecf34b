import { startOf } from "../../base/texts/stored-values.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import { commandsAtHand } from "../../store/scheduling/obstacles.js";
import type { Reason } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { lineAllowed } from "./command-policy.js";
import type { EngineContext } from "../context.js";
import { allExecutors, executorsOfNewRun, executorsOfRun, type ServingExecutor } from "./serving.js";

const LINE_SHOWN_MAX = 200;

/** Why no running server would start a command line of a run now; undefined where one would. */
export function* commandObstacle(
  ctx: EngineContext,
  command: { readonly project: string; readonly run: string; readonly line: string },
): Tx<Reason | undefined> {
  const { line } = command;
  const root = (yield* findProjectByReference(command.project))?.root ?? null;
  const executors = yield* executorsOfRun(ctx, command.run);
  const able = executors.filter(({ policy }) => lineAllowed(policy, { line, root }));
  if (able.length === 0) {
    const detail = refusal(executors, line) + aside(yield* allExecutors(ctx), executors);
    return { kind: "commands_not_allowed", detail, blocking: [] };
  }
  if (able.some(({ absentRoots }) => !absentRoots.includes(command.project))) return undefined;
  const hosts = [...new Set(able.map(({ host }) => host))].join(", ");
  return {
    kind: "root_missing",
    detail: `the root ${root ?? ""} of its project is not a directory on ${hosts}, where commands are run`,
    blocking: [],
  };
}

/** Why command steps of a run wait, where no running server would start them now. */
export interface CommandsWaiting {
  readonly run: string;
  readonly kind: string;
  readonly detail: string;
}

const LINES_LOOKED_AT = 50;

/** The open runs of a project with ready command steps that no running server would start now, each with the first reason. */
export function* commandsWaiting(ctx: EngineContext, project: string): Tx<CommandsWaiting[]> {
  const waiting = new Map<string, CommandsWaiting>();
  for (const { run, command } of yield* commandsAtHand(project, LINES_LOOKED_AT)) {
    if (waiting.has(run)) continue;
    const obstacle = yield* commandObstacle(ctx, { project, run, line: command });
    if (obstacle !== undefined) waiting.set(run, { run, kind: obstacle.kind, detail: obstacle.detail });
  }
  return [...waiting.values()];
}

/** Returns which command lines of a run that is about to start no running server would start, and why. */
export function* linesNotAllowed(
  ctx: EngineContext,
  { lines, root }: { readonly lines: readonly string[]; readonly root: string | null },
): Tx<{ count: number; detail: string } | undefined> {
  if (lines.length === 0) return undefined;
  const executors = yield* executorsOfNewRun(ctx);
  const refused = lines.filter((line) => !executors.some(({ policy }) => lineAllowed(policy, { line, root })));
  const [first] = refused;
  return first === undefined ? undefined : { count: refused.length, detail: refusal(executors, first) };
}

/** How many running servers may run commands. */
export function* commandRunners(ctx: EngineContext): Tx<number> {
  return (yield* allExecutors(ctx)).filter(({ policy }) => policy.kind !== "off").length;
}

function refusal(executors: readonly ServingExecutor[], line: string): string {
  const able = executors.filter(({ policy }) => policy.kind !== "off");
  if (able.length === 0) return "no running server is allowed to run commands";
  const shown = line.length > LINE_SHOWN_MAX ? `${startOf(line, LINE_SHOWN_MAX)}…` : line;
  const bound = able.some(
    ({ policy }) =>
      policy.roots !== undefined ||
      (policy.kind === "patterns" && policy.patterns.some((pattern) => typeof pattern !== "string")),
  );
  const where = bound ? " in the root of its project" : "";
  return `no allow pattern of a running server matches ${JSON.stringify(shown)}${where}`;
}

/** Says that processes which may run commands do so for other runs only. */
function aside(all: readonly ServingExecutor[], serving: readonly ServingExecutor[]): string {
  const count = all.filter(({ policy }) => policy.kind !== "off").length;
  return count > 0 && serving.every(({ policy }) => policy.kind === "off")
    ? ": those that may are of `baton run` and take the steps of their own run only (`baton run RUN --allow-commands`, or `baton serve --allow-commands` for all)"
    : "";
}
