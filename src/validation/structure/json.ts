import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { type CheckResult, Lines, type ValidationSubject, type ValidationIssue } from "../issue.js";

const CHECK = "json";
const SHOWN_MAX = 20;

/** Finds what is no JSON, and keys that stand twice in an object: the later one silently wins. */
export function checkJson({ name, text }: Pick<ValidationSubject, "name" | "text">): CheckResult {
  const tooDeep = depthIssue(text);
  if (tooDeep) return { issues: [tooDeep] };
  const allowsComments = /\.jsonc$|(?:^|\/)tsconfig[^/]*\.json$/.test(name);
  const errors: ParseError[] = [];
  const root = parseTree(text.replace(/^\uFEFF/, " "), errors, {
    disallowComments: !allowsComments,
    allowTrailingComma: allowsComments,
    allowEmptyContent: false,
  });
  const lines = new Lines(text);
  const issues: ValidationIssue[] = ownErrors(errors)
    .slice(0, SHOWN_MAX)
    .map(({ error, offset }) => ({
      check: CHECK,
      severity: "critical",
      line: lines.at(offset),
      message: `Invalid JSON: ${printParseErrorCode(error)
        .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
        .toLowerCase()}.`,
      suggestion: "Write the value with JSON.stringify or an equivalent, not by hand.",
    }));
  if (root) for (const node of repeatedKeys(root)) issues.push(repeated(node, lines));
  return { issues };
}

const DEPTH_MAX = 500;

/** Readers call themselves for each level, and end in an error of their own on texts such as 50,000 brackets. */
function depthIssue(text: string): ValidationIssue | undefined {
  let depth = 0;
  // Brackets within texts are none; a text that stays open ends with its line.
  for (const { 0: sign, index: at } of text.matchAll(/"(?:[^"\\\n]|\\.)*"?|[[\]{}]/g)) {
    if (sign === "[" || sign === "{") depth += 1;
    else if (sign === "]" || sign === "}") depth -= 1;
    if (depth <= DEPTH_MAX) continue;
    const message = `The JSON is nested more than ${DEPTH_MAX} levels deep, which many readers refuse.`;
    return { check: CHECK, severity: "major", where: `character ${at + 1}`, message, suggestion: "Flatten it." };
  }
  return undefined;
}

/** Errors without those that only follow from a word that is no value, or from the end of the text. */
function ownErrors(errors: readonly ParseError[]): ParseError[] {
  let hasWord = false;
  return errors.filter(({ error, offset }, at) => {
    const isWord = printParseErrorCode(error) === "InvalidSymbol";
    const follows = (hasWord && !isWord) || errors[at - 1]?.offset === offset;
    hasWord ||= isWord;
    return !follows;
  });
}

function repeated(key: Node, lines: Lines): ValidationIssue {
  return {
    check: CHECK,
    severity: "major",
    line: lines.at(key.offset),
    message: `The key "${String(key.value)}" stands twice in this object; readers keep only one of the values.`,
    suggestion: "Remove or rename one of the two.",
  };
}

function repeatedKeys(root: Node): Node[] {
  const found: Node[] = [];
  const open = [root];
  for (let node = open.pop(); node !== undefined && found.length < SHOWN_MAX; node = open.pop()) {
    const keys = new Set<unknown>();
    for (const child of node.children ?? []) {
      open.push(child);
      const [key] = node.type === "object" ? (child.children ?? []) : [];
      if (key === undefined) continue;
      if (keys.has(key.value)) found.push(key);
      keys.add(key.value);
    }
  }
  return found;
}
