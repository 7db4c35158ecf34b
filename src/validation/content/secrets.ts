import { lintSource } from "@secretlint/core";
import { creator } from "@secretlint/secretlint-rule-preset-recommend";
import { type CheckResult, Lines, type ValidationSubject, type ValidationIssue } from "../issue.js";

const SHOWN_MAX = 50;

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
  for (const one of [...(await published(subject)), ...assigned(subject)])
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
    options: { locale: "en", maskSecrets: true, config: { rules: [{ id: "recommended", rule: creator }] } },
  });
  return messages
    .filter(({ severity }) => severity === "error")
    .map(({ messageId, range: [from, to] }) => ({ from, to: Math.max(to, from + 1), rule: messageId }));
}

function endingOf(name: string): string {
  return /\.[A-Za-z0-9]+$/.exec(name)?.[0] ?? "";
}

/** Keys whose rule there misses the signs that they may hold. */
const SENDGRID = /\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])/g;
const NAME = String.raw`(?<![A-Za-z])[\w-]{0,40}(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|access[_-]?token)["']?\s{0,5}(?::|=>|=)\s{0,5}`;
const QUOTED = new RegExp(`${NAME}(["'\`])([^"'\`\\s]{8,200})\\1`, "gi");
const BARE = new RegExp(`^[ \\t]*(?:export )?${NAME}()([^\\s"'\`#$<{]{8,200})[ \\t]*(?:#.*)?$`, "gim");
/** Files in which values stand without quotes. */
const BARE_IN = /\.(?:env|ya?ml|ini|toml|properties|conf|cfg)$|(?:^|\/)\.env[\w.-]*$/i;
const NO_SECRET =
  /example|change_?-?me|placeholder|your[_-]|dummy|fake|redacted|x{4}|\*{3}|\.{3}|^[<{%$(]|process\.|env[.(]|^(?:https?:|\.{0,2}\/)|\bsha\d+\b/i;

/** A literal with a letter and a digit: words and names of variables are none. */
function assigned({ name, text }: Pick<ValidationSubject, "name" | "text">): Found[] {
  const forms = BARE_IN.test(name) ? [QUOTED, BARE] : [QUOTED];
  const named = forms.flatMap((form) =>
    [...text.matchAll(form)]
      .filter(([, , value = ""]) => /\d/.test(value) && /[A-Za-z]/.test(value) && !NO_SECRET.test(value))
      .map((match): Found => spanOf(match, "a literal that is called so")),
  );
  return [...[...text.matchAll(SENDGRID)].map((match) => spanOf(match, "SENDGRID_KEY")), ...named];
}

function spanOf({ index, 0: whole }: RegExpExecArray, rule: string): Found {
  // The name may stand before blanks of the line above.
  return { from: index + whole.length - whole.trimStart().length, to: index + whole.length, rule };
}
