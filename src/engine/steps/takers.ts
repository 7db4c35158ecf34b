import { findAgent } from "../../store/agents/agents.js";
import { tasksNamed, workersOf } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";
import { SERVER } from "../context.js";
import type { Step } from "../definitions/definition.js";
import type { Project } from "../projects/projects.js";

// not_by and prefer_by name steps. When a task becomes ready, the agents that worked on them are known, or still at work: those that
// are known become part of its demand, and so do the tasks of these steps, whose later workers a claim looks up.

export interface Takers {
  /** Parties that do not take the task, in the form of `Demand.notBy`. */
  readonly notBy: readonly string[];
  /** An active agent that has the task reserved first. */
  readonly preferred: string | undefined;
}

export function* takersOf(run: string, step: Step, project: Project): Tx<Takers> {
  const byHandle = project.config.reviewers === "handle";
  const notBy = new Set<string>();
  for (const key of step.not_by ?? []) {
    const tasks = yield* tasksNamed(run, key);
    for (const { agent, session, clientSession } of yield* workersOf(tasks)) {
      if (agent === SERVER) continue;
      notBy.add(`agent:${agent}`);
      if (byHandle) continue;
      if (session !== null) notBy.add(`session:${session}`);
      if (clientSession !== null) notBy.add(`client:${clientSession}`);
    }
    // An ended task may be reopened, or taken back to a checkpoint, and then be worked on by another agent.
    for (const id of tasks) notBy.add(`${byHandle ? "handle" : "task"}:${id}`);
  }
  return { notBy: [...notBy].sort(), preferred: yield* preferredOf(run, step, notBy) };
}

function* preferredOf(run: string, { prefer_by: keys = [] }: Step, notBy: ReadonlySet<string>): Tx<string | undefined> {
  for (const key of keys) {
    const tasks = yield* tasksNamed(run, key);
    for (const { agent, outcome } of yield* workersOf(tasks)) {
      if (outcome !== "succeeded" || agent === SERVER || notBy.has(`agent:${agent}`)) continue;
      if ((yield* findAgent(agent))?.status === "active") return agent;
    }
  }
  return undefined;
}
