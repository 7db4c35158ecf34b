import { setTimeout as pause } from "node:timers/promises";
import type { NotificationTarget } from "../base/notifications/targets.js";
import type { EngineContext } from "../engine/context.js";
import type { Engine } from "../engine/engine.js";
import { collectDeliveries, findNews, type News, registerTarget } from "../engine/notifications/collecting.js";
import { giveBackDelivery, isDeliveryDue, settleDelivery, takeDelivery } from "../engine/notifications/sending.js";
import type { Logger } from "../runtime/logger.js";
import { send } from "./notifier.js";

export interface NotifierParts {
  readonly engine: Engine;
  readonly targets: readonly NotificationTarget[];
  readonly logger: Logger;
}

/** A cursor that has moved on over events for no one is written so often, so that a process that starts reads little again. */
const CURSOR_EVERY_MS = 60_000;
/** Between polls, so that many commits in a row cause one more. */
const POLL_PAUSE_MS = 20;
/** Deliveries to one target in one poll. */
const SENT_AT_ONCE_MAX = 100;

interface TargetState {
  readonly target: NotificationTarget;
  /** How far this process has read; undefined until its row is known. */
  cursor: string | undefined;
  collectedAt: number;
  requested: boolean;
  serving: Promise<void> | undefined;
}

/**
 * Tells the targets of this process of what happens, after each commit of any process and with each background pass: turns the history
 * into deliveries and makes those that are due. Each target has its own pace: one that is slow holds no other up.
 */
export class NotifierLoop {
  readonly #parts: NotifierParts;
  readonly #states: readonly TargetState[];
  readonly #stopping = new AbortController();
  #stopListening: (() => void) | undefined;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    const state = { cursor: undefined, collectedAt: 0, requested: false, serving: undefined };
    this.#states = parts.targets.map((target) => ({ target, ...state }));
  }

  start(): void {
    this.#stopListening = this.#parts.engine.onWake(() => this.poll());
    this.poll();
  }

  /** Asks for a poll of each target; never throws. */
  poll(): void {
    for (const state of this.#states) {
      state.requested = true;
      state.serving ??= this.#serve(state);
    }
  }

  /** Resolves when all targets have been polled since the last request. */
  async settled(): Promise<void> {
    for (const { serving } of this.#states) await serving;
  }

  /** Ends attempts that are under way: another process makes them again. */
  async stop(): Promise<void> {
    this.#stopListening?.();
    this.#stopping.abort();
    await this.settled();
  }

  async #serve(state: TargetState): Promise<void> {
    while (state.requested && !this.#stopping.signal.aborted) {
      state.requested = false;
      try {
        await this.#collect(state);
        await this.#sendDue(state.target);
      } catch (error) {
        // The next commit or pass tries again.
        if (!this.#stopping.signal.aborted) this.#parts.logger.warn("notifications wait", { error });
      }
      // It keeps the process: `stop` and a command that sends wait for it.
      await pause(POLL_PAUSE_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
    state.serving = undefined;
  }

  async #collect(state: TargetState): Promise<void> {
    const { engine } = this.#parts;
    const { target } = state;
    const idempotent = { idempotent: true };
    if (state.cursor === undefined) {
      state.cursor = await engine.transact((ctx) => registerTarget(ctx, target), idempotent);
      state.collectedAt = engine.now();
    }
    for (let more = true; more && state.cursor !== undefined && !this.#stopping.signal.aborted;) {
      const after: string = state.cursor;
      const news: News = await engine.read(() => findNews(target, after));
      const isStale = news.cursor !== after && engine.now() - state.collectedAt >= CURSOR_EVERY_MS;
      state.cursor = news.cursor;
      more = news.more;
      if (!news.found && !isStale) continue;
      const collected = await engine.transact((ctx) => collectDeliveries(ctx, target), idempotent);
      // A row that is gone came from another database: it is made again.
      state.cursor = collected?.cursor;
      state.collectedAt = engine.now();
      more = collected?.more ?? false;
    }
  }

  async #sendDue(target: NotificationTarget): Promise<void> {
    const { engine } = this.#parts;
    for (let sent = 0; sent < SENT_AT_ONCE_MAX && !this.#stopping.signal.aborted; sent++) {
      if (!(await engine.read((ctx) => isDeliveryDue(ctx, target.id)))) return;
      const taken = await engine.transact((ctx) => takeDelivery(ctx, target.id));
      if (taken === undefined) return;
      const outcome = await send(target, taken, {
        timeoutMs: engine.settings().delivery_timeout_ms,
        now: engine.now(),
        signal: this.#stopping.signal,
      });
      const isCutShort = !outcome.ok && this.#stopping.signal.aborted;
      const settle = (ctx: EngineContext) =>
        isCutShort ? giveBackDelivery(ctx, taken) : settleDelivery(ctx, taken, outcome);
      await engine.transact(settle, { idempotent: true });
      if (!outcome.ok && !isCutShort)
        this.#parts.logger.warn("a notification was not delivered", { target: target.name, error: outcome.error });
    }
  }
}
