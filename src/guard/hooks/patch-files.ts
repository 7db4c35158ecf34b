const HEADER = /^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+?)\s*$/gm;

/** The files that a patch in Codex's form writes, removes or moves, as it names them. */
export function filesOfPatch(patch: string): string[] {
  return [...patch.matchAll(HEADER)].flatMap(([, file]) => file ?? []);
}
