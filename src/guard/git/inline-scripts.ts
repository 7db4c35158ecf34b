import type { ProgramCall } from "../shell/program-call.js";

/** Interpreters, with the options behind which a script stands. */
const INTERPRETERS: readonly (readonly [name: RegExp, script: RegExp])[] = [
  [/^python[\d.]*$/, /^-\w*c$/],
  [/^(?:node|bun)$/, /^(?:-\w*[ep]|--eval|--print)$/],
  [/^ruby$/, /^-\w*e$/],
];

const TEXT = String.raw`["'\`]([^"'\`\n]{1,400})["'\`]`;
/** A text, or the name of a variable that holds one. */
const FILE = String.raw`\s*(?:${TEXT}|(\w{1,60}))\s*`;
const ASSIGNED = new RegExp(String.raw`\b(\w{1,60})\s{0,9}=\s{0,9}(?:[\w.]{0,30}Path\(\s{0,9})?${TEXT}`, "g");
const LISTED = /\bfor\s+(?:\((?:const|let|var)\s+)?(\w{1,60})\s+(?:in|of)\s*[[(]([^\])]{1,4000})[\])]/g;

/** Calls that write or remove a file, which is their first argument or the object they are called on. */
const WRITES = [
  String.raw`\bopen\(${FILE},\s*(?:mode\s*=\s*)?["'][rbt]*[wax+][wabxt+]*["']`,
  String.raw`\b(?:os\.(?:remove|unlink|rename|replace|truncate)|shutil\.(?:rmtree|move)|File\.(?:write|delete))\(${FILE}[,)]`,
  String.raw`\bPath\(${FILE}\)\.(?:write_text|write_bytes|unlink|rename|open\(\s*["'][wax])`,
  String.raw`()\b(\w{1,60})\.(?:write_text|write_bytes|unlink|open\(\s*["'][wax])`,
  String.raw`\b(?:writeFile|appendFile|rm|unlink|truncate|rename)(?:Sync)?\(${FILE}[,)]`,
  String.raw`\b(?:createWriteStream|Bun\.write)\(${FILE}[,)]`,
  // The target of a copy or a move is the second argument.
  String.raw`\b(?:shutil\.(?:copy\w{0,9}|move)|os\.(?:rename|replace)|copyFile(?:Sync)?|renameSync|rename)\([^,()\n]{1,400},${FILE}[,)]`,
].map((pattern) => new RegExp(pattern, "g"));

/** The files that a script within a command line writes, as far as it names them itself: most edits by a script do. */
export function writtenByScript({ name, args, input }: ProgramCall): readonly string[] {
  const option = INTERPRETERS.find(([program]) => program.test(name))?.[1];
  if (option === undefined) return [];
  const at = args.findIndex((arg) => option.test(arg));
  const isFromInput = at < 0 && args.every((arg) => arg === "-" || arg.startsWith("--"));
  const script = isFromInput ? input : at < 0 ? undefined : args[at + 1];
  return script === undefined ? [] : filesIn(script);
}

function filesIn(script: string): readonly string[] {
  const variables = new Map<string, readonly string[]>();
  for (const [, variable = "", text = ""] of script.matchAll(ASSIGNED)) variables.set(variable, [text]);
  for (const [, variable = "", list = ""] of script.matchAll(LISTED))
    variables.set(
      variable,
      [...list.matchAll(new RegExp(TEXT, "g"))].map(([, text = ""]) => text),
    );
  const files = WRITES.flatMap((pattern) => [...script.matchAll(pattern)]).flatMap(([, text = "", variable = ""]) =>
    text === "" ? (variables.get(variable) ?? []) : [text],
  );
  return [...new Set(files)];
}
