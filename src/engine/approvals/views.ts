import { iso } from "../../base/time.js";
import type { ApprovalStatus } from "../../base/statuses.js";
import type { Approval } from "../../store/approvals/approvals.js";
import type { Tx } from "../../store/tx.js";
import { changeSince } from "./subjects.js";

/** An approval as it stands now. */
export interface ApprovalNow {
  readonly approval: Approval;
  /** As it was decided, or void where what it was asked for has changed since. */
  readonly status: ApprovalStatus;
  /** Reason for which it is void. */
  readonly change: string | undefined;
}

/** Returns approvals as they stand: an open one, and one that was granted, are void once their subject has changed. */
export function* asTheyStand(approvals: readonly Approval[]): Tx<ApprovalNow[]> {
  const found: ApprovalNow[] = [];
  for (const approval of approvals) {
    const mayLapse = approval.status !== "rejected" && approval.status !== "void";
    const change = mayLapse ? yield* changeSince(approval) : undefined;
    found.push({ approval, status: change === undefined ? approval.status : "void", change });
  }
  return found;
}

export function* approvalAsItStands(approval: Approval) {
  const [now] = yield* asTheyStand([approval]);
  return approvalView(now ?? { approval, status: approval.status, change: undefined });
}

export function approvalView({ approval, status, change }: ApprovalNow) {
  const { id, hash, role, project, run, task, artifact, name, version, reason, askedBy, createdAt } = approval;
  const { decidedAt, decidedBy, conditions, note } = approval;
  return {
    id,
    status,
    hash,
    role,
    project,
    ...(run === null ? {} : { run }),
    ...(task === null ? {} : { task }),
    ...(artifact === null ? {} : { artifact }),
    ...(name === null || version === null ? {} : { name, version }),
    from: askedBy,
    ...(reason === null ? {} : { reason }),
    asked_at: iso(createdAt),
    ...(change === undefined ? {} : { void_because: change }),
    ...(decidedAt === null ? {} : { decided_at: iso(decidedAt) }),
    ...(decidedBy === null ? {} : { decided_by: decidedBy }),
    ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
    ...(note === null ? {} : { note }),
  };
}
