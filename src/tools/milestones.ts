import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import * as milestones from "../engine/milestones/milestones.js";
import { requireProject } from "../engine/projects/creation.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { milestone } from "../dispatch/shapes.js";

const links = (from: string) => z.array(z.string().min(1).max(300)).max(milestones.LINKS_MAX).optional().describe(from);

const add = defineOperation({
  name: "add_milestone",
  title: "Add a milestone",
  description:
    "Adds a milestone to a project. It completes by itself once all its links have succeeded: runs, tasks, or a run of each workflow from now on; without links, complete_milestone does it. Use it to follow a goal over several runs. Returns the milestone.",
  area: "projects",
  effect: "write",
  input: z.object({
    project: params.project,
    name: params.name,
    due: params.duration.optional().describe("Such as 14d, or an instant."),
    runs: links("From execute_workflow or list_runs."),
    tasks: links("From create_task or list_tasks; RUN/KEY too."),
    workflows: links("Names or ids, from list_workflows."),
    ...params.acting,
  }),
  output: z.object({ milestone, created: z.boolean() }),
  *run(ctx, { agent, project: reference, ...wanted }) {
    const acting = yield* actingAs(ctx, agent);
    const project = yield* requireProject(acting, reference);
    const { created, ...linked } = yield* milestones.addMilestone(acting, project, wanted);
    return { milestone: milestones.milestoneView(linked, ctx.now), created };
  },
});

const complete = defineOperation({
  name: "complete_milestone",
  title: "Complete a milestone",
  description:
    "Completes a milestone by hand, even with links still open. Use it for one without links, or reached another way. Returns the milestone; a completed one is left unchanged.",
  area: "projects",
  effect: "write",
  input: z.object({
    project: params.project,
    name: params.name.describe("From get_project_status."),
    note: z.string().max(10_000).optional(),
    ...params.acting,
  }),
  output: z.object({ milestone }),
  *run(ctx, { agent, project: reference, ...given }) {
    const acting = yield* actingAs(ctx, agent);
    const project = yield* requireProject(acting, reference);
    const linked = yield* milestones.completeMilestone(acting, project, given);
    return { milestone: milestones.milestoneView(linked, ctx.now) };
  },
});

export const milestoneOperations = [add, complete] as const;
