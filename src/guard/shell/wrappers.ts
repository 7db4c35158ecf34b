import path from "node:path";

/** How `xargs` passes a list to the program behind it. */
export interface ListPassing {
  /** Stands for an item in the words; without it the items are appended. */
  readonly placeholder: string | undefined;
  readonly split: "words" | "lines";
  /** The file of the list, where it is not the input. */
  readonly file: string | undefined;
}

/** The words of a program without those that start it. */
export interface Unwrapped {
  readonly words: readonly string[];
  /** The directory that `env -C` changes to. */
  readonly directory: string | undefined;
  readonly passing: ListPassing | undefined;
}

interface Wrapper {
  /** Options of a letter that take a value. */
  readonly withValue: string;
  /** Words before the program. */
  readonly words?: number;
  /** Whether `-c` takes a line for a shell. */
  readonly takesLine?: boolean;
}

/** Programs that start the one behind them. */
const WRAPPERS: Readonly<Partial<Record<string, Wrapper>>> = {
  sudo: { withValue: "ugphCrtTD" },
  doas: { withValue: "uC" },
  command: { withValue: "" },
  builtin: { withValue: "" },
  exec: { withValue: "a" },
  nohup: { withValue: "" },
  setsid: { withValue: "" },
  nice: { withValue: "n" },
  ionice: { withValue: "cnp" },
  chrt: { withValue: "TPD", words: 1 },
  taskset: { withValue: "", words: 1 },
  stdbuf: { withValue: "ioe" },
  strace: { withValue: "eopPsuEaIOSX" },
  timeout: { withValue: "ks", words: 1 },
  gtimeout: { withValue: "ks", words: 1 },
  flock: { withValue: "wE", words: 1, takesLine: true },
  script: { withValue: "", takesLine: true },
  busybox: { withValue: "" },
  coproc: { withValue: "" },
  env: { withValue: "uCS" },
  xargs: { withValue: "EILnPsda" },
};
const WRAPPERS_MAX = 20;
const ASSIGNMENT = /^[A-Za-z_]\w*=/;

/** Takes the wrappers off a program. */
export function withoutWrappers(all: readonly string[]): Unwrapped {
  let words = all;
  let directory: string | undefined;
  let passing: ListPassing | undefined;
  for (let count = 0; count < WRAPPERS_MAX; count++) {
    const name = path.basename(words[0] ?? "");
    const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined;
    if (wrapper === undefined) break;
    const { options, rest } = optionsOf(words, wrapper);
    const line = wrapper.takesLine === true ? words.findIndex((word) => /^-\w*c$/.test(word)) : -1;
    words = line > 0 ? ["sh", "-c", words[line + 1] ?? ""] : rest;
    if (name === "env") {
      directory = options.get("C") ?? options.get("chdir") ?? directory;
      const split = options.get("S") ?? options.get("split-string");
      if (split !== undefined) words = [...split.split(/\s+/).filter((word) => word !== ""), ...words];
    }
    if (name === "xargs") passing = passingBy(options);
  }
  return { words, directory, passing };
}

function optionsOf(
  words: readonly string[],
  { withValue, words: positional = 0 }: Wrapper,
): { readonly options: ReadonlyMap<string, string>; readonly rest: readonly string[] } {
  const options = new Map<string, string>();
  let at = 1;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      at += 1;
      break;
    }
    if (ASSIGNMENT.test(word)) continue;
    if (!word.startsWith("-")) break;
    const [name = "", ...value] = word.slice(2).split("=");
    if (word.startsWith("--"))
      options.set(name, value.length > 0 ? value.join("=") : LONG_WITH_VALUE.has(name) ? (words[++at] ?? "") : "");
    else if (word.length === 2 && withValue.includes(word.charAt(1))) options.set(word.charAt(1), words[++at] ?? "");
    else options.set(word.charAt(1), word.slice(2));
  }
  return { options, rest: words.slice(at + positional) };
}

const LONG_WITH_VALUE = new Set(["chdir", "split-string", "arg-file", "unset", "signal", "kill-after", "delimiter"]);

function passingBy(options: ReadonlyMap<string, string>): ListPassing {
  const placeholder = options.get("I") ?? (options.has("i") ? "{}" : options.get("replace"));
  const isByLine = placeholder !== undefined || ["0", "null", "d", "delimiter"].some((name) => options.has(name));
  return { placeholder, split: isByLine ? "lines" : "words", file: options.get("a") ?? options.get("arg-file") };
}
