import { BatonError } from "../base/errors.js";
import type { HostWith } from "../dispatch/operation.js";
import { whyNotMerged } from "../engine/conflicts/git/merges.js";
import { rootIfAny } from "../engine/artifacts/places.js";
import { changesUnder, type FreedLocks, wideLocksNote } from "../engine/locks/wide-locks.js";

/**
 * Says which locks that were given back were wider than what was edited under them, as far as the disk and git tell it: outside of every
 * transaction, and only where the caller works in the project's own work tree.
 */
export async function noteOfWideLocks(
  host: HostWith<"files">,
  place: { readonly task?: string | undefined; readonly project?: string | undefined },
  freed: FreedLocks | undefined,
): Promise<string | undefined> {
  if (freed === undefined) return undefined;
  const root = await host.read(function* (ctx) {
    const found = yield* rootIfAny(ctx, place);
    const { gitRoot, isElsewhere = false } = ctx.caller.workplace;
    return gitRoot !== null && !isElsewhere && `${found ?? ""}/`.startsWith(`${gitRoot}/`) ? found : undefined;
  });
  const changed = root === undefined ? undefined : await host.files.changed({ root, ...changesUnder(freed) });
  return changed && wideLocksNote(freed, changed);
}

/** Says with whose work that of a task does not merge: read only for who works in a linked work tree, beside others. */
export async function noteOfMerges(host: HostWith<"files">, task: string): Promise<string | undefined> {
  return host.read(function* ({ caller }) {
    return caller.workplace.worktreeOf ? yield* whyNotMerged(task) : undefined;
  });
}

/** Returns what is read after the commit, and nothing where that fails: what was done stands, and an error would be taken for its failure. */
export async function afterwards<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof BatonError) return undefined;
    throw error;
  }
}

/** The note of an answer, of the sentences that there are. */
export function noteOf(sentences: readonly (string | undefined)[]): { readonly note?: string } {
  const notes = sentences.filter((one) => one !== undefined);
  return notes.length === 0 ? {} : { note: notes.join(" ") };
}
