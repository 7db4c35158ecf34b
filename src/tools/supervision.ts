import { z } from "zod";
import { APPROVAL_STATUSES, SUPERVISION_TIERS } from "../base/statuses.js";
import { APPROVAL_DECISIONS, decideApproval } from "../engine/approvals/deciding.js";
import { requestApproval } from "../engine/approvals/requesting.js";
import { approvalAsItStands } from "../engine/approvals/views.js";
import { projectAtHand } from "../engine/projects/creation.js";
import { supervisionOf } from "../engine/system/supervision.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { nowhere } from "./projects.js";

const approvalShape = z.object({
  id: z.string(),
  status: z.enum(APPROVAL_STATUSES),
  hash: z.string(),
  role: z.string(),
  project: z.string(),
  run: z.string().optional(),
  task: z.string().optional(),
  artifact: z.string().optional(),
  name: z.string().optional(),
  version: z.int().optional(),
  from: z.string(),
  reason: z.string().optional(),
  asked_at: shapes.instant,
  void_because: z.string().optional(),
  decided_at: shapes.instant.optional(),
  decided_by: z.string().optional(),
  conditions: z.array(z.string()).optional(),
  note: z.string().optional(),
});

/** A review that waits for a verdict: its id is that of the reviewer's task. */
const openReviewShape = shapes.review.extend({
  project: z.string(),
  run: z.string(),
  task: z.string().optional(),
  key: z.string().optional(),
  author: z.string().optional(),
  status: shapes.taskStatus,
  held_by: z.string().optional(),
});

const request = defineOperation({
  name: "request_approval",
  title: "Request an approval",
  description:
    "Asks agents of a role, or a person (human), to approve an artifact or a task's result as it is now. A newer version makes it void. Returns the approval; the decision comes as a message, wait_for has it as decision.",
  area: "supervision",
  effect: "write",
  words: ["sign off", "get approval for an artifact", "final approval"],
  example: { artifact: "artifact_…", approver_role: "tech_lead" },
  input: z.object({
    task: params.task
      .optional()
      .describe("Its diff, else its result, else its only artifact. From claim_task or list_tasks."),
    artifact: z
      .string()
      .min(1)
      .max(300)
      .optional()
      .describe("Id, or name in the task's run, from put_artifact or list_artifacts."),
    run: params.run.optional().describe("Where a name is looked for, from list_runs. Default: the project."),
    approver_role: z.string().min(1).max(100).describe("Such as tech_lead; human: a person."),
    reason: z.string().min(1).max(4_000).optional(),
    ...params.acting,
    project: params.project,
  }),
  output: z.object({ approval: approvalShape }),
  *run(ctx, input) {
    return { approval: yield* approvalAsItStands(yield* requestApproval(ctx, input)) };
  },
});

const decide = defineOperation({
  name: "decide_approval",
  title: "Decide an approval",
  description:
    "Decides what request_approval has asked for: an agent with that role or one of a higher tier, but not its author; a person any. Refused once there is a newer version. Returns the approval.",
  area: "supervision",
  effect: "write",
  atTerminal: "baton approve",
  words: ["reject a deliverable"],
  input: z.object({
    approval: z.string().min(1).max(300).describe("From get_supervision."),
    decision: z.enum(APPROVAL_DECISIONS),
    conditions: z.array(z.string().min(1).max(2_000)).max(20).optional(),
    note: z.string().max(10_000).optional(),
    ...params.acting,
  }),
  output: z.object({ approval: approvalShape }),
  *run(ctx, input) {
    return { approval: yield* approvalAsItStands(yield* decideApproval(ctx, input)) };
  },
});

const supervision = defineOperation({
  name: "get_supervision",
  title: "Show supervision",
  description:
    "Shows who supervises whom in a project: the tiers architect, lead and execution with their roles and live agents, open reviews, and its approvals, open ones first. An approval of an older version is void. Use update_project {config: {supervision}} to change the roles.",
  area: "supervision",
  effect: "read",
  words: ["hierarchy", "who supervises whom", "list approvals", "leads and architects"],
  input: z.object({ project: params.project }),
  output: z.object({
    project: z.string(),
    hierarchy: z.array(
      z.object({
        tier: z.enum(SUPERVISION_TIERS),
        roles: z.array(z.string()),
        agents: z.array(z.object({ agent: z.string(), roles: z.array(z.string()) })),
        supervised_by: z.array(z.string()),
      }),
    ),
    reviews: z.array(openReviewShape),
    approvals: z.array(approvalShape),
  }),
  *run(ctx, input) {
    const project = yield* projectAtHand(ctx, input.project);
    if (project === undefined) throw nowhere();
    return { project: project.name, ...(yield* supervisionOf(ctx, project)) };
  },
});

export const supervisionOperations = [request, decide, supervision] as const;
