import { defined } from "../../base/json.js";
import type { InputOf, ResultOf } from "../../tools/registry.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { ago } from "../terminal/durations.js";
import { table } from "../terminal/table.js";

const SHOWN_MAX = 200;

type Listed = ResultOf<"list_access_tokens">["tokens"][number];

export interface CreateTokenOptions extends Shared {
  readonly role: InputOf<"create_access_token">["role"];
  readonly agent?: string[];
  readonly expires?: string;
  readonly name?: string;
  readonly attended?: boolean;
}

/** `baton token create` */
export async function createToken(
  { call }: CommandContext,
  { role, agent, expires, name, attended }: CreateTokenOptions,
): Promise<CommandAnswer> {
  const made = await call("create_access_token", { role, ...defined({ agents: agent, expires, name, attended }) });
  const { token, bearer = "" } = made;
  const until = token.expires_at === undefined ? "never expires" : `expires ${token.expires_at}`;
  const text = `${bearer}\n\nThis is shown once. ${token.id} (${role}) ${until}; \`baton token revoke ${token.id}\` ends it.`;
  return { data: made, text };
}

/** `baton token list` */
export async function listTokens({ call, stdout, host }: CommandContext): Promise<CommandAnswer> {
  const found = await call("list_access_tokens", { limit: SHOWN_MAX });
  if (found.tokens.length === 0)
    return { data: found, text: "There is no token. `baton token create --role worker` makes one." };
  const since = (at: string | undefined) => (at === undefined ? "never" : ago(host.now() - Date.parse(at)));
  const rows = found.tokens.map((token) => [
    token.id,
    token.name,
    token.attended === true ? `${token.role}, attended` : token.role,
    token.agents?.join(", ") ?? "any",
    stateOf(token),
    since(token.used_at),
  ]);
  const more = found.next_cursor === undefined ? [] : [`Only the first ${rows.length} are shown.`];
  const shown = table(["id", "name", "role", "agents", "status", "last used"], rows, stdout);
  return { data: found, text: [shown, ...more].join("\n") };
}

function stateOf({ status, expires_at: until = "" }: Listed): string {
  return status === "active" && until !== "" ? `until ${until.slice(0, 10)}` : status;
}

/** `baton token revoke ID…` */
export async function revokeTokens({ call }: CommandContext, ids: readonly string[]): Promise<CommandAnswer> {
  const tokens = [];
  for (const id of ids) tokens.push((await call("revoke_access_token", { id })).token);
  return { data: { tokens }, text: tokens.map(({ id, status }) => `${id} is ${status}`).join("\n") };
}
