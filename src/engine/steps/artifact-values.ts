import { type Approval, approvalsOfName } from "../../store/approvals/approvals.js";
import { findVersion } from "../../store/artifacts/artifacts.js";
import type { Tx } from "../../store/tx.js";

const APPROVALS_MAX = 50;

const ABSENT = {
  exists: false,
  version: 0,
  type: "",
  hash: "",
  bytes: 0,
  validated: false,
  passed: false,
  critical: false,
  figures: {},
  approved: false,
} as const;

/** The newest version of an artifact of a run, as `artifact["NAME"]` of expressions; one that does not exist passes nothing. */
export function* artifactValue(run: string, name: string): Tx<Record<string, unknown>> {
  const newest = yield* findVersion(run, name);
  if (!newest) return ABSENT;
  const { version, type, hash, bytes, verdict, figures } = newest;
  const approvals = yield* approvalsOfName(run, name, APPROVALS_MAX);
  return {
    exists: true,
    version,
    type,
    hash,
    bytes,
    validated: verdict !== null,
    passed: verdict === "passed",
    critical: verdict === "critical",
    figures: { ...figures },
    approved: isApproved(approvals.filter((one) => one.hash === hash)),
  };
}

/** Whether every role that was asked has approved: an open request of one holds it up, as its rejection does. */
function isApproved(approvals: readonly Approval[]): boolean {
  const newest = new Map<string, Approval>();
  for (const approval of approvals) if (!newest.has(approval.role)) newest.set(approval.role, approval);
  return newest.size > 0 && [...newest.values()].every(({ status }) => status.startsWith("approved"));
}
