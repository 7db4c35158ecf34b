import { listAgentPage, plannedAgent } from "../engine/presence/agent-queries.js";
import type { EngineContext } from "../engine/context.js";
import { projectStatus } from "../engine/system/project-status.js";
import type { Project } from "../engine/projects/projects.js";
import { suggestProjects } from "../engine/system/completions.js";
import { listWorkflows } from "../engine/workflows/workflows.js";
import { projectAtHand } from "../engine/projects/creation.js";
import type { Tx } from "../store/tx.js";
import type { Prompt } from "./prompt.js";
import { clipped, quoted, recorded } from "./quoting.js";

const AGENTS_SHOWN_MAX = 50;
const WORKFLOWS_SHOWN_MAX = 30;
const RUNS_SHOWN_MAX = 10;
const DESCRIPTION_CHARS_MAX = 2_000;

export const planGoal: Prompt = {
  name: "plan_goal",
  title: "Plan a goal",
  description: "Split a goal into a graph of tasks that several agents can work on at once, and start it.",
  arguments: [
    { name: "goal", description: "What is to be reached, in your own words.", required: true },
    {
      name: "project",
      description: "Project name or id. Default: the one around the working directory.",
      required: false,
      complete: suggestProjects,
    },
  ],
  *compose(ctx, given) {
    const project = yield* projectAtHand(ctx, given.optional("project"));
    return [
      "Plan this goal with Baton as a workflow, and start it.",
      quoted("The goal, as the user wrote it", given.required("goal")),
      recorded("What Baton has on record about the place and who could work there:", yield* factsOf(ctx, project)),
      howToPlan(project),
    ].join("\n\n");
  },
};

function* factsOf(ctx: EngineContext, project: Project | undefined): Tx<Record<string, unknown>> {
  const { agents } = yield* listAgentPage(ctx, { limit: AGENTS_SHOWN_MAX });
  const workers = agents.map(plannedAgent);
  if (project === undefined) return { project: null, agents: workers };
  const { lines } = yield* listWorkflows({ project: project.id, limit: WORKFLOWS_SHOWN_MAX });
  const status = yield* projectStatus(ctx, project);
  return {
    project: {
      name: project.name,
      root: project.root,
      description: project.description === null ? null : clipped(project.description, DESCRIPTION_CHARS_MAX),
      ...(project.describedBy === null ? {} : { from: project.describedBy }),
    },
    active_runs: status.active_runs.slice(0, RUNS_SHOWN_MAX),
    workflows: lines.map(({ workflow: { name, version, steps }, performance: { runs, success_rate: rate } }) => ({
      name,
      version,
      steps,
      runs,
      success_rate: rate,
    })),
    agents: workers,
  };
}

const EXAMPLE = JSON.stringify({
  name: "rename-user-field",
  steps: [
    {
      key: "design",
      prompt: "Decide the new name …",
      files: { write: ["docs/naming.md"] },
      criteria: ["One name, with its reason"],
    },
    { key: "server", needs: ["design"], prompt: "Change src/api …", files: { write: ["src/api/**"] } },
    { key: "client", needs: ["design"], prompt: "Change src/web …", files: { write: ["src/web/**"] } },
    {
      key: "check",
      needs: ["server", "client"],
      prompt: "Run the tests and look for the old name …",
      role: "reviewer",
    },
  ],
});

function howToPlan(project: Project | undefined): string {
  const where = project === undefined ? {} : { project: project.name };
  const existing =
    project === undefined ? "" : " If one of the workflows above does it already, run that one by its name.";
  return `How to plan:
1. Look at the material first, as far as the plan depends on it. If the goal leaves a decision open that would change the plan, ask the user.
2. If it is one piece of work, use create_task and stop here.${existing}
3. Cut it into steps that one agent finishes in minutes to an hour. Each has a key, and a prompt that is complete in itself: the agent that takes it sees nothing of this conversation, only that prompt and the results of the steps it needs.
4. needs: only what a step cannot start without. Steps without a path between them run at the same time.
5. files.write: every path or glob that a step edits. Two steps that write the same files are done one after the other, so divide the files, and put what joins them into a later step.
6. criteria: what must hold when it is done. output: a JSON Schema where a later step reads the result. role and requires: only where not every agent can do it, with words that an agent above offers; a step that no agent can take waits for ever.
7. End with a step that checks the whole against the goal.

A definition looks like this (whole schema: resource baton://schemas/workflow):
${EXAMPLE}

Then:
1. query_operation ${JSON.stringify({ name: "validate_workflow", arguments: { definition: "…" } })} names every problem at once, and shows the waves and the critical path. Repair what it names.
2. Show the user the steps and what runs at the same time, in a few lines.
3. execute_workflow ${JSON.stringify({ definition: "…", ...where, request_id: "…" })} starts it, and returns the run and its ready tasks. Keep the run's id.
4. Work on it yourself with claim_task, or leave it to the other agents; get_run shows its progress.`;
}
