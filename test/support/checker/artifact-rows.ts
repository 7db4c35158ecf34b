import { int, intOrNull, json, text, textOrNull } from "../../../src/store/rows.js";
import type { Row } from "../../../src/store/tx.js";

export interface ArtifactRow {
  readonly id: string;
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly bytes: number;
  readonly task: string | null;
}

export interface ApprovalRow {
  readonly id: string;
  readonly status: string;
  readonly artifact: string | null;
  readonly askedBy: string;
  readonly parties: readonly string[];
  readonly decidedAt: number | null;
  readonly decidedBy: string | null;
}

export function artifactOf(row: Row): ArtifactRow {
  return {
    id: text(row, "id"),
    scope: text(row, "scope"),
    name: text(row, "name"),
    version: int(row, "version"),
    hash: text(row, "hash"),
    bytes: int(row, "bytes"),
    task: textOrNull(row, "task"),
  };
}

export function approvalOf(row: Row): ApprovalRow {
  return {
    id: text(row, "id"),
    status: text(row, "status"),
    artifact: textOrNull(row, "artifact"),
    askedBy: text(row, "asked_by"),
    parties: json<string[]>(row, "parties"),
    decidedAt: intOrNull(row, "decided_at"),
    decidedBy: textOrNull(row, "decided_by"),
  };
}
