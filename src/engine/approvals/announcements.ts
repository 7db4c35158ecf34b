import { type Approval, PERSON_ROLE } from "../../store/approvals/approvals.js";
import type { NewEvent } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import { addressOf } from "../channels/addresses.js";
import { beginThread } from "../channels/messages.js";
import { type EngineContext, SERVER } from "../context.js";

/** The event of an approval, as it stands. */
export function approvalEvent(
  type: "requested" | "asked" | "decided" | "void",
  approval: Approval,
  agent: string,
): NewEvent {
  const { id, project, run, task, artifact, name, version, hash, role, status, askedBy } = approval;
  const data = { approval: id, artifact, name, version, hash, role, status, from: askedBy };
  return { type: `approval.${type}`, project, run, task, agent, data };
}

/** Its subject in words. */
export function subjectText({ name, version, task }: Approval): string {
  return name === null ? `the result of ${task ?? "a task"}` : `${name} version ${version ?? 0}`;
}

/** Tells the agents of the role; a person is asked elsewhere. */
export function* askApprovers(ctx: EngineContext, approval: Approval): Tx<void> {
  const { id, project, run, role, reason, artifact, hash, askedBy } = approval;
  if (role === PERSON_ROLE) return;
  yield* beginThread(ctx, {
    project,
    run,
    address: addressOf({ kind: "role", name: role }, project),
    sender: askedBy,
    type: "question",
    subject: `Approve ${subjectText(approval)}: decide_approval`.slice(0, 200),
    body: reason ?? `Approval of ${subjectText(approval)} is asked for.`,
    data: { approval: id, role, ...(artifact === null ? {} : { artifact }), hash },
    // A question is for others than the holder of the task.
    task: null,
  });
}

/** Tells the agent that asked; bound to the task, so that it stands in the brief of its next holder too. */
export function* answerRequester(ctx: EngineContext, approval: Approval): Tx<void> {
  const { id, project, run, status, conditions, note, askedBy, task } = approval;
  const lines = [`${subjectText(approval)}: ${status}.`, ...conditions.map((condition) => `Condition: ${condition}`)];
  yield* beginThread(ctx, {
    project,
    run,
    address: addressOf({ kind: "agent", name: askedBy }, project),
    sender: approval.decidedBy ?? SERVER,
    type: "answer",
    subject: `Approval ${status}`,
    body: note === null ? lines.join("\n") : [...lines, note].join("\n"),
    data: { approval: id, decision: status, ...(conditions.length === 0 ? {} : { conditions: [...conditions] }) },
    task,
  });
}
