import { BEGINNINGS, SERVICES, SHAPED } from "./forms.js";

/** The replacement of a secret. */
export const REDACTED = "[redacted]";

const LEAST = new Map(
  Object.entries(BEGINNINGS).flatMap(([least, all]) => all.split(/\s+/).map((beginning) => [beginning, Number(least)])),
);
const JWT = "eyJ";
const PRIVATE_KEY = "-----BEGIN ";
const AUTHORITY = "://";

/** No letter or digit before, but that of an escape of JSON: `\\n` stands before a key that begins its line. */
const BEGINS = String.raw`(?<!(?<!\\)[A-Za-z0-9])`;

// Fixed texts only, so that a text is read once; what follows a find is read by the sticky expressions below, which a find ends behind.
const FIXED = new RegExp(
  [
    `${AUTHORITY}|${PRIVATE_KEY}|${BEGINS}(?:${[...LEAST.keys(), JWT]
      .toSorted((a, b) => b.length - a.length)
      .map(escaped)
      .join("|")})`,
    `${BEGINS}(?:${Object.entries(SHAPED)
      .map(([beginning, shape]) => `${escaped(beginning)}(?=${shape})`)
      .join("|")})`,
    String.raw`${BEGINS}(?:Bearer|Basic|bearer|basic|BEARER|BASIC)(?=\s)`,
    String.raw`(?<=\s)(?:-u|--user)(?=[\s=])`,
    String.raw`\bsshpass(?=\s)`,
    String.raw`\bmachine(?=\s{1,5}\S{1,200}\s{1,5}login\s)`,
  ].join("|"),
  "g",
);

const TOKEN = /[\w.~+/=-]*/y;
const THREE_PARTS = /^[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/;
const USER_INFO = /([^\s/@"'\\:?#]{0,200})(:[^\s@/"'\\]{1,500})?@/y;
const KEY_BODY =
  /[A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s:,]|\\[nr]|-(?!----))*(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/y;
const CREDENTIALS = /\s{1,5}[\w.~+/=-]{8,}/y;

/** Names after which a value is a secret. A name may stand at the end of a longer one: DB_PASSWORD, npm_config__authToken. */
const NAMES =
  /(?:password|passwd|passphrase|pwd|secret|token|credentials?|authorization|cookie|x-amz-signature|(?<=[?&])sig|ext_pat|secret_key_base|(?:app|server|admin)_key|(?:become|db|database|smtp|mail|email|ftp|ssh|pg|mysql|redis|user|admin|root|proxy)_?pass|(?:api|access|auth|private|secret|account|encryption|signing|master|storage|license)[_.-]?key|_auth)\d{0,3}(?=["'\\\s:=])/gi;

const SERVICE = new RegExp(String.raw`${BEGINS}(?:${SERVICES.split(/\s+/).join("|")})[\w.-]{0,40}(?=["'\\\s:=])`, "gi");
/** An id of Baton's is no key. */
const LIKE_A_KEY = /^(?![a-z]+_[\da-z]{16}$)(?=.*\d)[\w.:~+/=%-]{14,}$/;

const ASSIGNED = /\\?(["'`]?)\s{0,5}(?:=>|:=|[:=])\s{0,5}\\?(["'`]?)/y;
const OF_A_FLAG = /([ \t]{1,5}|\\?["'],\s{0,5}(?=\\?["']))\\?(["'`]?)/y;
const QUOTED = { '"': /[^"\\]{4,}/y, "'": /[^'"\\]{4,}/y, "`": /[^`"\\]{4,}/y } as const;
/** The words before a password, behind the one that was found: of sshpass, and of an entry in a .netrc. */
const OF_PROGRAM: Readonly<Record<string, RegExp>> = {
  sshpass: /\s{1,5}-p[ \t]{0,5}["']?/y,
  machine: /\s{1,5}\S{1,200}\s{1,5}login\s{1,5}\S{1,200}\s{1,5}password\s{1,5}/y,
};
const OF_A_USER = /[\s=]{1,3}["']?[^\s:"'\\]{1,100}:/y;
const BARE = /[^\s"'`\\,;&}]{4,}/y;
/** The credentials of a header that has another scheme than Bearer or Basic, and the pairs of a cookie: bounded, as finds may be many. */
const HEADER_VALUE = {
  authorization: /[A-Za-z][\w-]{0,30}[ \t]{1,5}[^\s"'`\\]{8,500}/y,
  cookie: /[\w-]{1,100}=[^\r\n"'`\\]{4,500}/y,
} as const;
const FLAG_BEFORE = /--[\w-]{0,40}$/;
/** Words of programming languages and places that a secret is read from stand for none. */
const NO_SECRET =
  /^(?:null|undefined|none|true|false|string|number|boolean|unknown|include|omit|same-origin|required|optional|missing|process\.env\.\w{1,100}|\$\{[\w.-]{1,100}|\$[A-Z_][A-Z0-9_]{0,100}|[A-Za-z_$][\w.$]{0,100}\(\)|[A-Z][A-Za-z]{0,60}(?:Token|Password|Credentials?|Secret))$/;
const COUNT = /^\d{1,9}$/;

/**
 * Takes secrets out of a text that goes to a log or into the history: the key formats that providers publish, JSON web tokens,
 * private keys, credentials in URLs and headers, and values after a name like `DB_PASSWORD`. JSON stays JSON: no find takes in a
 * quote or a backslash of it, nor a value that is no string. Reads a text a fixed number of times, whatever it holds.
 */
export function redactSecrets(text: string): string {
  return replaced(replaced(replaced(text, FIXED, fixedAt), NAMES, valueAt), SERVICE, keyAt);
}

/** Keys in the forms that providers publish, JSON web tokens and private keys, in the order of the text. Without names and addresses. */
export function findKeys(text: string): Span[] {
  const keys: Span[] = [];
  FIXED.lastIndex = 0;
  for (let found = FIXED.exec(text); found !== null; found = FIXED.exec(text)) {
    const secret = fixedAt(text, found);
    if (secret === undefined) continue;
    FIXED.lastIndex = secret.to;
    if (secret.from < secret.to && (isKeyForm(found[0]) || isWebToken(text.slice(secret.from, secret.to))))
      keys.push(secret);
  }
  return keys;
}

/** Found behind `Bearer` too. */
function isWebToken(value: string): boolean {
  return value.startsWith(JWT) && THREE_PARTS.test(value);
}

function isKeyForm(beginning: string): boolean {
  return beginning === PRIVATE_KEY || beginning === JWT || LEAST.has(beginning) || beginning in SHAPED;
}

/** The part of a text that is a secret. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Searches for `pattern` and replaces the secret that `secretAt` sees at a find; the search goes on behind what was looked at. */
function replaced(
  text: string,
  pattern: RegExp,
  secretAt: (text: string, found: RegExpExecArray) => Span | undefined,
): string {
  let result = "";
  let kept = 0;
  pattern.lastIndex = 0;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const secret = secretAt(text, found);
    if (secret === undefined) continue;
    pattern.lastIndex = secret.to;
    if (secret.from === secret.to) continue;
    result += text.slice(kept, secret.from) + REDACTED;
    kept = secret.to;
  }
  return kept === 0 ? text : result + text.slice(kept);
}

function fixedAt(text: string, { 0: found, index }: RegExpExecArray): Span | undefined {
  const end = index + found.length;
  if (found === AUTHORITY) return userInfoAt(text, end);
  if (found === PRIVATE_KEY) return spanOf(index, endOf(KEY_BODY, text, end));
  if (found === JWT) {
    const to = endOf(TOKEN, text, index) ?? end;
    return { from: THREE_PARTS.test(text.slice(index, to)) ? index : to, to };
  }
  const ofProgram = OF_PROGRAM[found];
  if (ofProgram !== undefined) return passwordAt(text, endOf(ofProgram, text, end));
  if (found.startsWith("-u") || found === "--user") return passwordAt(text, endOf(OF_A_USER, text, end));
  const least = found in SHAPED ? 1 : LEAST.get(found);
  if (least === undefined) return credentialsAt(text, { from: index, to: end });
  const to = endOf(TOKEN, text, end) ?? end;
  return to - end >= least ? { from: index, to } : undefined;
}

/** `user:secret@` and, where a web address has nothing else before its `@`, `TOKEN@`. */
function userInfoAt(text: string, from: number): Span | undefined {
  USER_INFO.lastIndex = from;
  const [whole, user = "", secret] = USER_INFO.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const to = from + whole.length - 1;
  if (secret !== undefined) return { from: from + user.length + 1, to };
  return user.length >= 12 && /https?:\/\/$/i.test(text.slice(Math.max(0, from - 8), from)) ? { from, to } : undefined;
}

function passwordAt(text: string, from: number | undefined): Span | undefined {
  const to = from === undefined ? undefined : endOf(BARE, text, from);
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** Credentials after `Bearer` or `Basic`. Both are also words: a header stands before them, or the value does not look like one. */
function credentialsAt(text: string, scheme: Span): Span | undefined {
  const to = endOf(CREDENTIALS, text, scheme.to);
  if (to === undefined) return undefined;
  const value = text.slice(scheme.to, to).trimStart();
  const inHeader = /authorization["'\\]{0,4}\s{0,3}[:=]\s{0,3}["'\\]{0,4}$/i.test(
    text.slice(Math.max(0, scheme.from - 40), scheme.from),
  );
  return inHeader || /[\d=]/.test(value) ? { from: to - value.length, to } : undefined;
}

function valueAt(text: string, { 0: name, index }: RegExpExecArray): Span | undefined {
  const end = index + name.length;
  ASSIGNED.lastIndex = end;
  const assigned = ASSIGNED.exec(text);
  OF_A_FLAG.lastIndex = end;
  const separator =
    assigned ?? (FLAG_BEFORE.test(text.slice(Math.max(0, index - 42), index)) ? OF_A_FLAG.exec(text) : null);
  if (separator === null) return undefined;
  const [whole, before = "", opening = ""] = separator;
  const from = end + whole.length;
  if (assigned !== null && before !== "" && opening === "") return undefined;
  const isJson = before === '"' && text[end] === '"';
  if (opening !== "" && !isJson && endsString(text, from)) return undefined;
  if (text.startsWith(REDACTED, from)) return undefined;
  const to = endOfValue(text, { name: name.toLowerCase(), opening, from });
  if (to === undefined) return undefined;
  const value = text.slice(from, to);
  if (isCount(name, value) || isScheme(value) || NO_SECRET.test(value)) return undefined;
  return { from, to };
}

function endOfValue(
  text: string,
  { name, opening, from }: { name: string; opening: string; from: number },
): number | undefined {
  if (opening !== "") return endOf(QUOTED[opening as keyof typeof QUOTED], text, from);
  if (name === "cookie") return endOf(HEADER_VALUE.cookie, text, from);
  const header = name === "authorization" ? endOf(HEADER_VALUE.authorization, text, from) : undefined;
  return header ?? endOf(BARE, text, from);
}

function keyAt(text: string, found: RegExpExecArray): Span | undefined {
  const value = valueAt(text, found);
  return value && !LIKE_A_KEY.test(text.slice(value.from, value.to)) ? { from: value.to, to: value.to } : value;
}

/** A quote of JSON that ends a string stands before what JSON puts between strings. */
function endsString(text: string, from: number): boolean {
  return text[from - 2] !== "\\" && /^[\s,:\]}]?$/.test(text.charAt(from));
}

/** A `token` that is a small number is a fence, not a secret. */
function isCount(name: string, value: string): boolean {
  return /^token/i.test(name) && COUNT.test(value);
}

/** `Authorization: Bearer …` was dealt with by its scheme. */
function isScheme(value: string): boolean {
  return /^(?:Bearer|Basic|Digest|Negotiate)(?:\s|$)/i.test(value);
}

function spanOf(from: number, to: number | undefined): Span | undefined {
  return to === undefined ? undefined : { from, to };
}

function endOf(sticky: RegExp, text: string, from: number): number | undefined {
  sticky.lastIndex = from;
  return sticky.test(text) ? sticky.lastIndex : undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/~-]/g, String.raw`\$&`);
}
