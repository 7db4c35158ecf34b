import { z } from "zod";

/**
 * The parameters that many operations share. `agent`, `request_id`, `project` and the paging of lists are explained
 * once, in the server's instructions: they are published by their type alone. The others are described by the operation
 * that supplies the value; say more with `.describe()` where an operation means more.
 */
export const name = z.string().min(1).max(100);

/** The id of an entity, or what else addresses it. */
const reference = z.string().min(1).max(300);

export const agent = name.optional().describe("Handle of the agent that acts. Default: this connection's own.");
/** The handle of an agent that is registered, changed or unregistered: its own alone. */
export const ownHandle = name.describe("Agent's name, from register_agent or list_agents.");
/** The agent that acts, where it is another that a call is about. */
export const givenBy = name.optional().describe("Handle of the agent that gives it. Default: this connection's own.");
export const requestId = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe("The same id again returns the first answer, without doing the work twice. Kept 24 h.");
export const project = reference
  .optional()
  .describe("Project id or name, from create_project or list_projects. Default: the one around the working directory.");

export const session = reference
  .optional()
  .describe("Id or name of a set of defaults that the run takes, from create_session or list_sessions.");

/** Every write has these. */
export const acting = { agent, request_id: requestId } as const;

/** Names whose descriptions are not published with each tool. */
export const COMMON_PARAMETERS: ReadonlySet<string> = new Set(["agent", "request_id", "project", "session"]);
export const PAGING_PARAMETERS: ReadonlySet<string> = new Set(["limit", "cursor"]);

export const run = reference.describe("From execute_workflow or list_runs.");
export const task = reference.describe("From claim_task or list_tasks.");
/** Milliseconds, or a text such as 20m; where an instant is meant, that too. */
export const duration = z.union([z.string(), z.int()]);
/** Any JSON but null, which means that it is absent. With a type, because some clients drop tools whose parameters have none. */
export const json = z.unknown().meta({ type: ["object", "array", "string", "number", "boolean"] });
export const token = z.int().min(0).describe("From claim_task.");

export const PAGE_SIZE_DEFAULT = 50;
export const PAGE_SIZE_MAX = 200;

/** Every list has these. */
export const paging = {
  limit: z.int().min(1).max(PAGE_SIZE_MAX).default(PAGE_SIZE_DEFAULT).describe(`At most ${PAGE_SIZE_MAX}.`),
  // That of locks holds a path.
  cursor: z.string().min(1).max(2_000).optional().describe("next_cursor of the previous page."),
} as const;
