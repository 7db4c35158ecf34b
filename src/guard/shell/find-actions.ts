/** The actions of a `find` on the files that it finds. */
export interface FindActions {
  /** The words of a `find` that lists these files and does nothing else. */
  readonly listed: readonly string[];
  /** The programs it starts, with `{}` for a file. */
  readonly commands: readonly (readonly string[])[];
}

const STARTS = new Set(["-exec", "-execdir", "-ok", "-okdir"]);

export function findActions(args: readonly string[]): FindActions {
  const listed: string[] = [];
  const commands: string[][] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "-delete") commands.push(["rm", "{}"]);
    else if (STARTS.has(arg)) {
      const end = args.findIndex(
        (word, place) => place > at && (word === ";" || (word === "+" && args[place - 1] === "{}")),
      );
      if (end < 0) break;
      commands.push(args.slice(at + 1, end));
      at = end;
    } else {
      listed.push(arg);
      continue;
    }
    // In its place, since what stands behind an action may be another branch.
    listed.push("-print");
  }
  return { listed, commands };
}
