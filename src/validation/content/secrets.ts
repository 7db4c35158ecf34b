import { lintSource } from "@secretlint/core";
import { secretLintProfiler } from "@secretlint/profiler";
import { creator } from "@secretlint/secretlint-rule-preset-recommend";
import { findKeys } from "../../base/secrets/redaction.js";
import { type CheckResult, Lines, type ValidationSubject, type ValidationIssue } from "../issue.js";

// Secretlint times each rule and keeps all times for good, in a list that it searches at each: a thousand texts cost half a minute.
secretLintProfiler.mark = () => {};

const SHOWN_MAX = 50;
/** Ids of keys count too: where one stands, its key is often near. */
const AWS_IDS = { id: "@secretlint/secretlint-rule-aws", options: { enableIDScanRule: true } };

/** Part of a text that is a secret, by the rule that found it. */
interface Found {
  readonly from: number;
  readonly to: number;
  readonly rule: string;
}

/**
 * Finds credentials: in the forms that their providers publish, by the recommended rules of secretlint, and literals that are assigned to a name such as
 * password. None is repeated in a message.
 */
export async function checkSecrets(subject: Pick<ValidationSubject, "name" | "text">): Promise<CheckResult> {
  const found: Found[] = [];
  // The first of two rules that meet the same secret tells it.
  for (const one of [...(await published(subject)), ...keysOf(subject.text), ...assigned(subject)])
    if (!found.some(({ from, to }) => one.from < to && from < one.to)) found.push(one);
  const lines = new Lines(subject.text);
  const issues = found
    .toSorted((a, b) => a.from - b.from)
    .map(({ from, rule }): ValidationIssue => ({
      check: "secrets",
      severity: "critical",
      line: lines.at(from),
      message: `A secret stands here (${rule}).`,
      suggestion: "Revoke it, for it is stored now, and read its successor from the environment.",
    }));
  return { issues: issues.slice(0, SHOWN_MAX) };
}

async function published({ name, text }: Pick<ValidationSubject, "name" | "text">): Promise<Found[]> {
  const { messages } = await lintSource({
    source: { content: text, filePath: `/${name}`, ext: endingOf(name), contentType: "text" },
    options: {
      locale: "en",
      maskSecrets: true,
      config: { rules: [{ id: "recommended", rule: creator, rules: [AWS_IDS] }] },
    },
  });
  return messages
    .filter(({ severity }) => severity === "error")
    .map(({ messageId, range: [from, to] }) => ({ from, to: Math.max(to, from + 1), rule: messageId }));
}

/** Keys whose rule there is missing or misses signs that they may hold. A form is read by the letters and digits behind its beginning. */
function keysOf(text: string): Found[] {
  return findKeys(text)
    .filter(({ from, to }) => LIKE_A_KEY.test(text.slice(from, to)) && !NO_SECRET.test(text.slice(from, to)))
    .map((span) => ({ ...span, rule: "the form of a provider's key" }));
}

function endingOf(name: string): string {
  return /\.[A-Za-z0-9]+$/.exec(name)?.[0] ?? "";
}

const NAME = String.raw`(?<![A-Za-z])[\w-]{0,40}(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|(?:private|secret|account|signing|encryption|master)[_-]?key|auth[_-]?token|access[_-]?token)["']?\s{0,5}(?::|=>|=)\s{0,5}`;
const QUOTED = new RegExp(`${NAME}(["'\`])([^"'\`\\s]{8,200})\\1`, "gi");
const BARE = new RegExp(`^[ \\t]*(?:export )?${NAME}()([^\\s"'\`#$<{]{8,200})[ \\t]*(?:#.*)?$`, "gim");
/** A private key, or signs of which some are digits and some are letters. */
const LIKE_A_KEY = /^-----BEGIN|^(?=[^]*\d)(?=[^]*[A-Za-z])\S{20,}$/;
/** Files in which values stand without quotes. */
const BARE_IN = /\.(?:env|ya?ml|ini|toml|properties|conf|cfg)$|(?:^|\/)\.env[\w.-]*$/i;
const NO_SECRET =
  /example|change_?-?me|placeholder|your[_-]|dummy|fake|redacted|x{4}|\*{3}|\.{3}|^[<{%$(]|process\.|env[.(]|^(?:https?:|\.{0,2}\/)|\bsha\d+\b/i;

/** A literal with a letter and a digit: words and names of variables are none. */
function assigned({ name, text }: Pick<ValidationSubject, "name" | "text">): Found[] {
  const forms = BARE_IN.test(name) ? [QUOTED, BARE] : [QUOTED];
  return forms.flatMap((form) =>
    [...text.matchAll(form)]
      .filter(([, , value = ""]) => /\d/.test(value) && /[A-Za-z]/.test(value) && !NO_SECRET.test(value))
      .map((match): Found => spanOf(match, "a literal that is called so")),
  );
}

function spanOf({ index, 0: whole }: RegExpExecArray, rule: string): Found {
  // The name may stand before blanks of the line above.
  return { from: index + whole.length - whole.trimStart().length, to: index + whole.length, rule };
}
