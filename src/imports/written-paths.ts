const PATHS_MAX = 20;
/** Words after which a description names the file that it is about. */
const PLACE_WORD = /^(?:in|at|to|into|files?|create|add|update|edit|modify|write|extend|implement|test|refactor|fix)$/i;
const LIST_WORD = /^(?:and|&|,)$/;
/** A path with a file's name at its end, or a file's name alone between backticks. */
const FILE_PATH = /^(?:[\w@.+-]+\/)+[\w@.+-]*\w\.[A-Za-z]\w{0,9}$/;
const DIRECTORY = /^(?:[\w@.+-]+\/)+$/;
const FILE_NAME = /^[\w@+-][\w@.+-]*\.[A-Za-z]\w{0,9}$/;

/**
 * The files that a task's description names as the place of its work: "Create the model in src/models/user.ts". What stands in
 * parentheses, and files that are mentioned otherwise, is often only read.
 */
export function pathsWritten(description: string): string[] {
  const paths = new Set<string>();
  const words = withoutParentheses(description).split(/\s+/);
  let isPlace = false;
  for (const [at, word] of words.entries()) {
    const { path, isQuoted } = pathOf(word);
    const isName = isQuoted && FILE_NAME.test(path);
    if (isName || FILE_PATH.test(path)) {
      if (isPlace && !path.split("/").includes(".."))
        paths.add(isName ? inDirectory(path, words.slice(at + 1, at + 3)) : path);
    } else isPlace = PLACE_WORD.test(word) || (isPlace && LIST_WORD.test(word));
    if (paths.size === PATHS_MAX) break;
  }
  return [...paths];
}

/** A name with the directory that follows it: "`login.ts` in `src/pages/`". */
function inDirectory(name: string, [preposition = "", next = ""]: readonly string[]): string {
  const { path } = pathOf(next);
  return /^(?:in|at|to|under)$/.test(preposition) && DIRECTORY.test(path) ? path + name : name;
}

function pathOf(word: string): { path: string; isQuoted: boolean } {
  const quoted = /^`([^`]+)`/.exec(word)?.[1];
  return { path: (quoted ?? word).replace(/^\.\//, "").replace(/[.,;:!?*]{1,5}$/, ""), isQuoted: quoted !== undefined };
}

const NESTING_MAX = 3;

function withoutParentheses(text: string): string {
  let rest = text;
  for (let level = 0; level < NESTING_MAX; level += 1) rest = rest.replaceAll(/\([^()]*\)/g, " ");
  return rest;
}
