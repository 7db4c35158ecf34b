import { BatonError, callOperation } from "../../base/errors.js";
import { hint, isName, NAME_RULE } from "../../base/names.js";
import { iso } from "../../base/time.js";
import { deleteMessagesUpTo, insertContextMessages } from "../../store/context-windows/messages.js";
import * as store from "../../store/context-windows/windows.js";
import type { ContextWindow } from "../../store/context-windows/windows.js";
import { lockWindow } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import { type Content, saveContent } from "../artifacts/content.js";
import type { EngineContext } from "../context.js";
import { requireTask } from "../lookup.js";
import { projectAtHand, requireProject } from "../projects/creation.js";

export type { ContextWindow } from "../../store/context-windows/windows.js";

/** Windows of an agent, in all projects. */
const WINDOWS_MAX = 200;
/** Messages that a window keeps, those included that it shows no more, and their bytes: beyond them the oldest go. */
const KEPT_MAX = 2_000;
const KEPT_BYTES_MAX = 67_108_864;
const NAMES_HINTED_MAX = 200;

/** Tokens that a model pays for each message beside its content. */
export const MESSAGE_TOKENS = 4;

/** A window as a call names it: its id, or its name among those of an agent in a project. */
export interface WindowReference {
  readonly window: string;
  readonly agent?: string | undefined;
  readonly project?: string | undefined;
}

export interface NewContextMessage extends WindowReference {
  readonly task?: string | undefined;
  readonly model?: string | undefined;
  readonly limit?: number | undefined;
  readonly role: string;
  readonly kind: string;
  readonly name?: string | undefined;
  readonly language?: string | undefined;
  readonly content: Content;
  /** In tokens of the window's model. */
  readonly tokens: number;
}

interface AddedMessage {
  readonly window: ContextWindow;
  readonly number: number;
}

/**
 * Adds a message to a window of the agent, which is made at need. Errors: `not_permitted` for the window of another, `not_found`,
 * `invalid_input`, `limit_exceeded` for too many windows, `conflict` for another model than the window's.
 */
export function* addMessage(ctx: EngineContext, request: NewContextMessage): Tx<AddedMessage> {
  const { name: agent } = yield* actingAgent(ctx, request.agent);
  const task = request.task === undefined ? null : (yield* requireTask(request.task)).task;
  const opened = yield* openWindow(ctx, { ...request, agent }, task);
  const number = opened.lastNumber + 1;
  const { role, kind, content, tokens } = request;
  const shown = tokens + MESSAGE_TOKENS;
  yield* saveContent(content, `${opened.id}#${number}`);
  yield* insertContextMessages([
    {
      contextWindow: opened.id,
      number,
      agent,
      role,
      kind,
      name: request.name ?? null,
      language: request.language ?? null,
      hash: content.hash,
      bytes: content.data.length,
      contentTokens: shown,
      summary: null,
      summaryBy: null,
      tokens: shown,
      dropped: false,
      at: ctx.now,
    },
  ]);
  const window = yield* settled(ctx, {
    ...opened,
    task: task?.id ?? opened.task,
    tokenLimit: request.limit ?? opened.tokenLimit,
    lastNumber: number,
  });
  return { window, number };
}

/** Writes what the messages of a window come to now, after the oldest have gone that it may not keep. */
export function* settled(ctx: Pick<EngineContext, "now">, window: ContextWindow): Tx<ContextWindow> {
  let sums = yield* store.windowSums(window.id);
  while (sums.oldest !== null && sums.kept > 1 && (sums.kept > KEPT_MAX || sums.bytes > KEPT_BYTES_MAX)) {
    yield* deleteMessagesUpTo(window.id, sums.oldest);
    sums = yield* store.windowSums(window.id);
  }
  const { tokens, messages } = sums;
  const next = { ...window, tokens, messages, updatedAt: ctx.now };
  yield* store.updateWindow(next);
  return next;
}

function* openWindow(
  ctx: EngineContext,
  request: NewContextMessage & { readonly agent: string },
  task: { readonly id: string; readonly project: string } | null,
): Tx<ContextWindow> {
  const { window: reference, agent, model } = request;
  const project = task?.project ?? request.project;
  if (!isId(reference)) {
    if (!isName(reference)) throw notAName(reference);
    yield* makeWindow(ctx, { ...request, project: (yield* requireProject(ctx, project)).id });
  }
  const found = yield* requireWindow(ctx, { ...request, project });
  const window = (yield* lockWindow(found.id)) ?? found;
  if (window.agent !== agent) throw notOwn(window, agent);
  if (model !== undefined && model !== window.model) throw otherModel(window, model);
  return window;
}

/** The model whose tokens a window counts, or will count once it is made. A query. */
export function* modelOf(
  ctx: EngineContext,
  request: Pick<NewContextMessage, keyof WindowReference | "task" | "model">,
): Tx<string | undefined> {
  const { window, model, agent = ctx.caller.agent } = request;
  const task = request.task === undefined ? undefined : (yield* requireTask(request.task)).task;
  const project = task?.project ?? (yield* projectAtHand(ctx, request.project))?.id ?? "";
  const known = isId(window)
    ? yield* store.findWindow(window)
    : yield* store.findWindowByName({ agent, project, name: window });
  return known === undefined ? model : (known.model ?? undefined);
}

const isId = (reference: string): boolean => reference.startsWith("window_");

function* makeWindow(
  ctx: EngineContext,
  request: NewContextMessage & { readonly agent: string; readonly project: string },
): Tx<void> {
  const { agent, project, window: name, model = null, limit } = request;
  if (yield* store.findWindowByName({ agent, project, name })) return;
  if ((yield* store.countWindows(agent)) >= WINDOWS_MAX) {
    const message = `${agent} has ${WINDOWS_MAX} context windows, which is the limit. Nothing was added. Add to one of them; those that are not written to go with retention_ms.`;
    throw new BatonError("limit_exceeded", message, { details: { agent, max: WINDOWS_MAX } });
  }
  yield* store.insertWindow({
    id: ctx.newId("window"),
    project,
    agent,
    name,
    task: null,
    model,
    tokenLimit: limit ?? ctx.settings.max_context_tokens,
    tokens: 0,
    messages: 0,
    lastNumber: 0,
    compactions: 0,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  });
}

/**
 * Finds a window that the caller may read: one of its own, or any for a person at a terminal. Errors: `not_found` with the nearest name,
 * `not_permitted`.
 */
export function* requireWindow(ctx: EngineContext, { window, agent, project }: WindowReference): Tx<ContextWindow> {
  const owner = agent ?? ctx.caller.agent;
  const place = isId(window) ? undefined : (yield* projectAtHand(ctx, project))?.id;
  const found = isId(window)
    ? yield* store.findWindow(window)
    : yield* store.findWindowByName({ agent: owner, project: place ?? "", name: window });
  if (found === undefined) throw yield* noSuchWindow({ window, agent: owner, project: place });
  if (found.agent !== owner && ctx.caller.channel !== "human") throw notOwn(found, owner);
  return found;
}

function* noSuchWindow({ window, agent, project }: WindowReference & { readonly agent: string }): Tx<BatonError> {
  const known = project === undefined ? [] : yield* store.windowNames(agent, project, NAMES_HINTED_MAX);
  const message = `${agent} has no context window "${window}"${hint(window, known)}. It is named by its id, or by its name in its project; add_context makes one.`;
  return new BatonError("not_found", message, {
    details: { window, agent, windows: known.slice(0, 20) },
    next: [callOperation("add_context", { window, role: "user", content: "…" })],
  });
}

function notOwn({ id, agent }: ContextWindow, caller: string): BatonError {
  const message = `Window ${id} is ${agent}'s, and this call acts as ${caller}. A window is read and written by its agent, and read by a person at a terminal. Nothing was changed. ${agent} can send what matters (send_message), or hand over the task it belongs to (request_handoff).`;
  return new BatonError("not_permitted", message, {
    details: { window: id, held_by: agent, agent: caller },
    next: [{ tool: "send_message", arguments: { to: agent, body: "…" } }],
  });
}

function notAName(given: string): BatonError {
  return new BatonError("invalid_input", `The window's name must be ${NAME_RULE}, such as main. Nothing was added.`, {
    details: { path: "window", given },
  });
}

function otherModel({ id, model }: ContextWindow, given: string): BatonError {
  const message = `Window ${id} counts its tokens for ${model ?? "no model in particular"}, and this call names ${given}. Nothing was added. Leave model out, or use another window.`;
  return new BatonError("conflict", message, { details: { window: id, model, given } });
}

/** Tokens from which a window is to be compacted. */
export function compactsFrom({ settings }: Pick<EngineContext, "settings">, { tokenLimit }: ContextWindow): number {
  return Math.floor(settings.context_compaction_threshold * tokenLimit);
}

export function windowView(ctx: Pick<EngineContext, "settings">, window: ContextWindow) {
  const { id, name, agent, project, task, model, messages, tokens, tokenLimit, compactions } = window;
  return {
    window: {
      id,
      name,
      agent,
      project,
      ...(task === null ? {} : { task }),
      ...(model === null ? {} : { model }),
      messages,
      compactions,
      updated_at: iso(window.updatedAt),
    },
    tokens,
    limit: tokenLimit,
    needs_compaction: tokens >= compactsFrom(ctx, window),
  };
}
