import type { McpServer } from "../../base/executor-policy.js";
import { tailText } from "../processes/output.js";

/** Why a call came to nothing, as an error type of its task. */
export class ToolFailure extends Error {
  readonly type: string;
  /** False where the same call would only fail again. */
  readonly retryable: boolean;

  constructor(type: string, message: string, { retryable = true } = {}) {
    super(message);
    this.name = "ToolFailure";
    this.type = type;
    this.retryable = retryable;
  }
}

/** The failure of what a signal has ended: by its time limit, or by who no longer wants it. */
export function endedBy(signal: AbortSignal, message: string): ToolFailure {
  const timedOut = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  return new ToolFailure(timedOut ? "timeout" : "cancelled", message);
}

/** Characters of a server's error that the error of its task shows. */
export const SAID_CHARS_MAX = 2_000;

const MASK = "[redacted]";
/** Shorter ones would blot out ordinary words. */
const SECRET_CHARS_MIN = 5;
/** Least length of a value that may be a secret only. */
const PERHAPS_CHARS_MIN = 8;
/** No secret of a well-known form is longer. */
const FORM_CHARS_MAX = 4_096;
/** How much more than what is to be shown is read: masks are shorter than what they stand for. */
const READ_FACTOR = 16;

/** Takes a server's own secrets out of what it says, then what `redact` knows. */
export class Redactor {
  readonly #secrets: readonly string[];
  readonly #redact: (text: string) => string;
  /** The rest of a secret that was cut is shorter than this. */
  readonly #reach: number;

  constructor(server: McpServer, redact: (text: string) => string) {
    // A longer one may hold a shorter.
    this.#secrets = [...new Set(secretsOf(server))].toSorted((a, b) => b.length - a.length);
    this.#redact = redact;
    this.#reach = Math.max(FORM_CHARS_MAX, ...this.#secrets.map((secret) => Buffer.byteLength(secret)));
  }

  text(text: string): string {
    return this.#redact(this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, MASK), text));
  }

  /** The start of a text. It is cut when it is redacted: half a secret is not known any more. */
  start(text: string, charsMax: number): string {
    const read = text.slice(0, this.needed(charsMax));
    const clean = this.#plain(read);
    return (read.length < text.length ? clean.slice(0, -this.#reach) : clean).slice(0, charsMax);
  }

  /** The end of a text, whose own start may have been cut off already. */
  end(text: string, charsMax: number): string {
    const clean = this.#plain(text);
    const isWhole = Buffer.byteLength(text) < this.needed(charsMax);
    // In bytes, as it was cut.
    const known = isWhole ? clean : tailText(Buffer.from(clean).subarray(this.#reach), Number.POSITIVE_INFINITY);
    return known.trim().slice(-charsMax);
  }

  /** Returns how much of a text must be redacted to show so many characters, in characters or bytes. */
  needed(charsMax: number): number {
    return charsMax * READ_FACTOR + this.#reach;
  }

  /** As it was written and as it is shown: control characters may stand in a secret, or split it. */
  #plain(text: string): string {
    return this.text(tailText(Buffer.from(this.text(text)), Number.POSITIVE_INFINITY));
  }
}

function secretsOf(server: McpServer): string[] {
  if (server.type === "stdio") return [...longEnough(Object.values(server.env)), ...secretsOfArgs(server.args)];
  const { url, headers } = server;
  const { pathname, search } = new URL(url);
  // Keys stand in paths too. Of `Bearer x` also the x.
  const values = Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/).slice(1)]);
  const segments = withDecoded(pathname.split("/"));
  return [
    ...longEnough([url, pathname, search.slice(1), ...values]),
    ...longEnough(segments, PERHAPS_CHARS_MIN),
    ...secretsOfUrl(new URL(url)),
  ];
}

/** A name that says that its value is a secret. */
const TELLING = /token|key|secret|passw|authorization/i;

/** Returns the user, the password and the query's values: ordinary words, like `false`, are among them. */
function secretsOfUrl({ username, password, search }: URL): string[] {
  const values = search
    .slice(1)
    .split("&")
    .flatMap((pair) => {
      const [name = "", ...rest] = pair.split("=");
      return longEnough(withDecoded([rest.join("=")]), TELLING.test(name) ? SECRET_CHARS_MIN : PERHAPS_CHARS_MIN);
    });
  return [...longEnough(withDecoded([username, password])), ...values];
}

/** `--token=x`, `--token x`, `API_KEY=x`, `Authorization: Bearer x`, and addresses with a password. */
function secretsOfArgs(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    const before = args[at - 1] ?? "";
    const follows = /^-[^=]*$/.test(before) && TELLING.test(before) && !arg.startsWith("-");
    const [, name = "", value = ""] = /^([\w.-]+)\s*[=:]\s*(.+)$/s.exec(arg) ?? [];
    const named = TELLING.test(name) ? [value, ...value.split(/\s+/).slice(1)] : [];
    return [
      ...longEnough([...(follows ? [arg] : []), ...named], PERHAPS_CHARS_MIN),
      ...(arg.includes("://") && URL.canParse(arg) ? secretsOfUrl(new URL(arg)) : []),
      // `--header=Authorization: x`, `--db=postgres://…`
      ...(value === "" ? [] : secretsOfArgs([value])),
    ];
  });
}

function longEnough(values: readonly string[], charsMin = SECRET_CHARS_MIN): string[] {
  return values.filter((value) => value.length >= charsMin);
}

/** As they stand in an address, and as the server reads them. */
function withDecoded(values: readonly string[]): string[] {
  return values.flatMap((value) => [value, decoded(value), decoded(value.replaceAll("+", " "))]);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // It holds a `%` that stands for itself.
    return value;
  }
}
