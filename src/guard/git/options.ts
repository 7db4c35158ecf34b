/** The words behind a verb of git. */
export interface VerbOptions {
  /** Options by their names without dashes; a letter each where they were written together. */
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  /** The options as they were written, a list each, for a command that is written anew. */
  readonly written: readonly (readonly [name: string, ...words: string[]])[];
  /** Words that are no options, up to `--`. */
  readonly words: readonly string[];
  /** Words behind `--`. */
  readonly paths: readonly string[] | undefined;
}

/** Options that take the next word as their value: letters, and long names. */
const WITH_VALUE: Readonly<Record<string, readonly [letters: string, names: string]>> = {
  commit: ["mFcCt", "message file author date template reuse-message reedit-message fixup squash trailer cleanup"],
  stash: ["m", "message"],
  checkout: ["bB", "orphan conflict"],
  switch: ["cC", "create force-create orphan conflict"],
  restore: ["s", "source conflict"],
  clean: ["e", "exclude"],
  add: ["", "chmod"],
  merge: ["mXsF", "message strategy strategy-option file into-name"],
  pull: ["Xs", "strategy strategy-option depth"],
  rebase: ["Xsx", "onto exec strategy strategy-option"],
  "cherry-pick": ["mXs", "mainline strategy strategy-option"],
  revert: ["mXs", "mainline strategy strategy-option"],
  am: ["Cp", "directory exclude include"],
  apply: ["Cp", "directory exclude include"],
  "read-tree": ["", "prefix index-output"],
  "checkout-index": ["", "prefix stage"],
  "update-index": ["", "chmod cacheinfo"],
};

export function optionsOf(verb: string, args: readonly string[]): VerbOptions {
  const [letters, names] = WITH_VALUE[verb] ?? ["", ""];
  const takesValue = new Set([...names.split(" "), "pathspec-from-file"]);
  const found = {
    flags: new Set<string>(),
    values: new Map<string, string>(),
    written: [] as (readonly [string, ...string[]])[],
    words: [] as string[],
    paths: undefined as readonly string[] | undefined,
  };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      found.paths = args.slice(at + 1);
      break;
    }
    if (arg.startsWith("--")) {
      const [name = "", ...rest] = arg.slice(2).split("=");
      found.flags.add(name);
      const value = rest.length > 0 ? rest.join("=") : takesValue.has(name) ? args[++at] : undefined;
      if (value !== undefined) found.values.set(name, value);
      found.written.push(rest.length > 0 || value === undefined ? [name, arg] : [name, arg, value]);
    } else if (arg.startsWith("-") && arg.length > 1) at += takeLetters(found, { arg, letters, next: args[at + 1] });
    else found.words.push(arg);
  }
  return found;
}

interface Letters {
  readonly arg: string;
  readonly letters: string;
  readonly next: string | undefined;
}

/** Takes options of a letter each. Returns how many words behind them are their values. */
function takeLetters(
  found: { flags: Set<string>; values: Map<string, string>; written: (readonly [string, ...string[]])[] },
  { arg, letters, next }: Letters,
): number {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg.charAt(at);
    found.flags.add(letter);
    if (!letters.includes(letter)) {
      found.written.push([letter, `-${letter}`]);
      continue;
    }
    const rest = arg.slice(at + 1);
    const value = rest === "" ? (next ?? "") : rest;
    found.values.set(letter, value);
    found.written.push([letter, `-${letter}`, value]);
    return rest === "" ? 1 : 0;
  }
  return 0;
}

export function hasFlag({ flags }: VerbOptions, ...names: readonly string[]): boolean {
  return names.some((name) => flags.has(name));
}
