import { BatonError } from "../../base/errors.js";
import { type Page, type PageQuery, pageOf } from "../../base/lists/paging.js";
import { findAgent } from "../../store/agents/agents.js";
import { type MessagePlace, newestMessages } from "../../store/channels/browsing.js";
import { type Inbox, type Message, unreadAmong } from "../../store/channels/messages.js";
import { findTasks } from "../../store/tasks/lists.js";
import { together, type Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { projectAtHand } from "../projects/creation.js";
import { addressOf, inboxOf, parseAddressee } from "./addresses.js";
import { PERSON } from "./messages.js";

export interface BrowseRequest extends PageQuery {
  /** As `parseAddressee` reads it. Default: every addressee. */
  readonly to?: string | undefined;
  readonly project?: string | undefined;
}

export interface BrowsedMessage extends Message {
  /** The task that it is about, as its run calls it. */
  readonly taskTitle: string | null;
  /** Whether it waits for the caller to acknowledge it. */
  readonly unread: boolean;
}

export interface BrowsedPage extends Page<BrowsedMessage> {
  /** Messages of this page that are for another agent alone, and so left out. */
  readonly withheld: number;
}

const NONE: BrowsedPage = { page: [], next: {}, withheld: 0 };
const CURSOR = /^([0-9a-z]{1,10})\.([0-9a-z]{1,10})$/;

/**
 * The messages of a project, newest first. A query: no channel is joined by it, and nothing is acknowledged. What is written to one agent
 * is shown to that agent, to its sender, and to a person. Errors: `invalid_input`.
 */
export function* browseMessages(
  ctx: EngineContext,
  { to, project: wanted, cursor, limit }: BrowseRequest,
): Tx<BrowsedPage> {
  const project = yield* projectAtHand(ctx, wanted);
  if (project === undefined) return NONE;
  const address = to === undefined ? undefined : addressOf(parseAddressee(to), project.id);
  const place = { project: project.id, address, before: placeOf(cursor), limit: limit + 1 };
  const { page, next } = pageOf(
    yield* newestMessages(place),
    limit,
    ({ at, seq }) => `${at.toString(36)}.${seq.toString(36)}`,
  );
  const shown = page.filter((message) => mayRead(ctx, message));
  const [tasks, unread] = yield* together([
    findTasks([...new Set(shown.flatMap(({ task }) => (task === null ? [] : [task])))]),
    unreadBy(ctx, project.id, shown),
  ]);
  const titles = new Map(tasks.map(({ id, title }) => [id, title]));
  const browsed = shown.map((message) => ({
    ...message,
    taskTitle: titles.get(message.task ?? "") ?? null,
    unread: unread.has(message.seq),
  }));
  return { page: browsed, next, withheld: page.length - shown.length };
}

/** Messages to more than one agent may be read by all; the others by their two sides, and by people. */
function mayRead({ caller }: EngineContext, { address, sender }: Message): boolean {
  if (caller.channel === "human" || !address.startsWith("agent:")) return true;
  return sender === caller.agent || address === `agent:${caller.agent}`;
}

/** The numbers of those messages that the caller has yet to acknowledge. */
function* unreadBy(ctx: EngineContext, project: string, messages: readonly Message[]): Tx<ReadonlySet<number>> {
  const { caller } = ctx;
  const agent = yield* findAgent(caller.agent);
  // A caller that has done nothing yet has no inbox; a person is written to before that.
  const own: Inbox =
    agent === undefined
      ? { agent: caller.agent, addresses: [], registeredAt: ctx.now }
      : yield* inboxOf(agent, project);
  const read = caller.channel === "human" ? [PERSON, ...own.addresses] : own.addresses;
  // An inbox is looked through by so many addresses: those that these messages went to are fewer.
  const met = new Set(messages.map(({ address }) => address));
  const addresses = read.filter((address) => met.has(address));
  return yield* unreadAmong(
    { ...own, addresses },
    messages.map(({ seq }) => seq),
  );
}

function placeOf(cursor: string | undefined): MessagePlace {
  if (cursor === undefined) return { at: Number.MAX_SAFE_INTEGER, seq: Number.MAX_SAFE_INTEGER };
  const [, at, seq] = CURSOR.exec(cursor) ?? [];
  if (at !== undefined && seq !== undefined) return { at: Number.parseInt(at, 36), seq: Number.parseInt(seq, 36) };
  throw new BatonError("invalid_input", "Invalid cursor: pass next_cursor of the previous page of this list.", {
    details: { path: "cursor" },
  });
}
