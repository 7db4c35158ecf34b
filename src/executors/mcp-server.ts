import type { ToolServer } from "../engine/tool-policy.js";

/** Another MCP server, as the person who started this one has configured it. `env`, `headers` and `url` may hold secrets. */
export type McpServer = ToolServer &
  (
    | {
        readonly type: "stdio";
        readonly command: string;
        readonly args: readonly string[];
        readonly env: Readonly<Record<string, string>>;
        /** Absolute. */
        readonly cwd: string;
      }
    | { readonly type: "http"; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  );

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

const MASK = "[redacted]";
/** Shorter ones would blot out ordinary words. */
const SECRET_CHARS_MIN = 5;

/** Takes a server's own secrets out of what it says, then what `redact` knows. */
export function redactorOf(server: McpServer, redact: (text: string) => string): (text: string) => string {
  const secrets = secretsOf(server)
    .filter((secret) => secret.length >= SECRET_CHARS_MIN)
    // A longer one may hold a shorter.
    .toSorted((a, b) => b.length - a.length);
  return (text) => redact(secrets.reduce((rest, secret) => rest.replaceAll(secret, MASK), text));
}

function secretsOf(server: McpServer): string[] {
  if (server.type === "stdio") return Object.values(server.env);
  const { url, headers } = server;
  const { username, password, pathname, search } = new URL(url);
  // Keys stand in paths and queries too. Of `Bearer x` also the x.
  const values = Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/).slice(1)]);
  return [url, username, password, pathname, search.slice(1), ...values];
}
