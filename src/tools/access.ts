import { z } from "zod";
import { ACCESS_TOKEN_STATUSES, PERMISSION_ROLES } from "../base/statuses.js";
import { hashOfSecret, writtenToken } from "../base/secrets/access-tokens.js";
import {
  accessTokenView,
  createAccessToken,
  listAccessTokenPage,
  revokeAccessToken,
} from "../engine/access/access-tokens.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const tokenShape = z.object({
  id: z.string(),
  kind: z.enum(["program", "browser"]),
  name: z.string(),
  role: z.enum(PERMISSION_ROLES),
  agents: z.array(z.string()).readonly().optional(),
  attended: z.boolean().optional(),
  status: z.enum(ACCESS_TOKEN_STATUSES),
  created_at: shapes.instant,
  created_by: z.string(),
  expires_at: shapes.instant.optional(),
  revoked_at: shapes.instant.optional(),
  revoked_by: z.string().optional(),
  used_at: shapes.instant.optional(),
});

/** A program of the operator may manage programs, never make a person. */
const OPERATORS = ["human", "admin"] as const;

const create = defineOperation({
  name: "create_access_token",
  title: "Create an access token",
  description:
    "Makes a token with which a program, or a person's browser, may call this server over HTTP: with a role, and for some agents alone. For a person or an admin; one of role human or an attended one for a person alone. Returns it with its secret, which is shown this once.",
  area: "system",
  effect: "write",
  permission: ({ role, attended }) => (role === "human" || attended === true ? ["human"] : OPERATORS),
  atTerminal: "baton token create",
  words: ["bearer", "api key", "sign in", "authentication"],
  input: z.object({
    role: z.enum(PERMISSION_ROLES).describe("Which operations it may call."),
    agents: z.array(params.name).min(1).max(100).optional().describe("Agents that it may act as. Default: any."),
    attended: z
      .boolean()
      .optional()
      .describe("A person sits at its client: what they enter in its forms decides as theirs. Default false."),
    name: params.name.optional().describe("What it is for, in lists and in the history."),
    expires: params.duration.optional().describe('Such as 30d, or "never". Default 90d.'),
    request_id: params.requestId,
  }),
  output: z.object({
    token: tokenShape,
    bearer: z.string().optional().describe("The token itself; absent where the same request id has shown it before."),
  }),
  needs: ["secrets"],
  async perform(host, wanted) {
    const isShown = (await host.earlier("step")) !== undefined;
    const secret = host.secrets.make();
    // The recorded step has no secret: it stands in no table and in no history.
    const token = await host.transact(function* (ctx) {
      return accessTokenView(yield* createAccessToken(ctx, { ...wanted, hash: hashOfSecret(secret) }), ctx.now);
    });
    return { token, ...(!isShown && { bearer: writtenToken({ id: token.id, secret }) }) };
  },
});

const list = defineOperation({
  name: "list_access_tokens",
  title: "List access tokens",
  description:
    "Lists the tokens with which programs and browsers call this server over HTTP, oldest first, with role, agents, expiry and last use. Their secrets are not kept.",
  area: "system",
  effect: "read",
  permission: OPERATORS,
  atTerminal: "baton token list",
  input: z.object({ ...params.paging }),
  output: z.object({ tokens: z.array(tokenShape), ...shapes.nextPage }),
  run: listAccessTokenPage,
});

const revoke = defineOperation({
  name: "revoke_access_token",
  title: "Revoke an access token",
  description:
    "Revokes a token, with the browsers that were signed in with it: from the next request on it lets nobody in. For a person or an admin. Returns the token.",
  area: "system",
  effect: "destructive",
  permission: OPERATORS,
  atTerminal: "baton token revoke",
  input: z.object({
    id: z.string().min(1).max(100).describe("From list_access_tokens."),
    request_id: params.requestId,
  }),
  output: z.object({ token: tokenShape }),
  *run(ctx, { id }) {
    return { token: accessTokenView(yield* revokeAccessToken(ctx, id), ctx.now) };
  },
});

export const accessOperations = [create, list, revoke] as const;
