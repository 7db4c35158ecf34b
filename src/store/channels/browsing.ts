import { many } from "../rows.js";
import type { Tx } from "../tx.js";
import { type Message, MESSAGES } from "./messages.js";

/** The place of a message among those of its project. */
export type MessagePlace = Pick<Message, "at" | "seq">;

export interface NewestMessages {
  readonly project: string;
  /** Default: those at every address. */
  readonly address?: string | undefined;
  /** The place of a message: older ones are listed. */
  readonly before: MessagePlace;
  readonly limit: number;
}

const OLDER = `SELECT ${MESSAGES.columns} FROM messages WHERE project = $1`;
// By the index of ages, and by that of addresses.
const NEWEST = `${OLDER} AND at <= $2 AND (at < $2 OR seq < $3) ORDER BY at DESC, seq DESC LIMIT $4`;
const NEWEST_AT = `${OLDER} AND seq < $2 AND address = $4 ORDER BY seq DESC LIMIT $3`;

/** The messages of a project at one address or at all, newest first. */
export function* newestMessages({ project, address, before, limit }: NewestMessages): Tx<Message[]> {
  return yield* many(
    MESSAGES.read,
    address === undefined
      ? [NEWEST, [project, before.at, before.seq, limit]]
      : [NEWEST_AT, [project, before.seq, limit, address]],
  );
}
