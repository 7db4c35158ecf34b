/** The replacement of a secret. */
export const REDACTED = "[redacted]";

const NAMES = "(?:password|passwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token)";
/** Characters inside a private key, also where its line ends are escaped as in JSON. */
const KEY_TEXT = String.raw`(?:[A-Za-z0-9+/=\s-]|\\[nr])`;

// One alternation, so that a text without any is read once. What stays in front of a secret is in a group of its own.
// No alternative swallows a quote or a backslash, nor a JSON value that is no string: JSON stays JSON.
const SECRETS = new RegExp(
  [
    String.raw`(\bBearer\s+)[A-Za-z0-9._~+/=-]{8,}`,
    String.raw`(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*:)[^\s@/"\\]+(?=@)`,
    String.raw`(\b${NAMES}\\?["']\s*:\s*\\?["'])[^\s"'\\]{4,}`,
    String.raw`(\b${NAMES}\s*[=:]\s*)[^\s"'\\,;&}]{4,}`,
    String.raw`\bsk-[A-Za-z0-9_-]{16,}`,
    String.raw`\bgh[pousr]_[A-Za-z0-9]{20,}`,
    String.raw`\bgithub_pat_[A-Za-z0-9_]{20,}`,
    String.raw`\bglpat-[A-Za-z0-9_-]{16,}`,
    String.raw`\bnpm_[A-Za-z0-9]{30,}`,
    String.raw`\bxox[abeprs]-[A-Za-z0-9-]{10,}`,
    String.raw`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`,
    String.raw`\bAIza[A-Za-z0-9_-]{30,}`,
    String.raw`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`,
    String.raw`-----BEGIN [A-Z ]*PRIVATE KEY-----(?:${KEY_TEXT}*?-----END [A-Z ]*PRIVATE KEY-----|${KEY_TEXT}*)`,
  ].join("|"),
  "gi",
);

/**
 * Takes secrets out of a text that goes to a log or into the history: bearer tokens, passwords in URLs and after their
 * name, private keys, JSON web tokens, and the key formats that providers publish for such scanners. JSON stays JSON.
 */
export function redactSecrets(text: string): string {
  return text.replace(SECRETS, (_match, ...groups: unknown[]) => {
    const kept = groups.slice(0, 4).find((group) => typeof group === "string");
    return `${typeof kept === "string" ? kept : ""}${REDACTED}`;
  });
}
