import type { Caller, EngineContext } from "../engine/context.js";
import { effects } from "../engine/effects.js";
import { BatonError, programReplaced } from "../base/errors.js";
import { doneEarlier, once, type WriteRequest } from "../engine/idempotency.js";
import { hashOfInput } from "../base/json.js";
import type { Settings } from "../base/settings.js";
import type { Logger } from "../runtime/logger.js";
import type { waitFor } from "../runtime/waiting.js";
import type { Store, Tx } from "../store/tx.js";
import { cleanInput, parseInput, strict } from "./input.js";
import type {
  Host,
  Operation,
  OperationIndex,
  PermissionRole,
  ServerFacts,
  TransactionOperation,
} from "./operation.js";

/** What dispatch is built from: everything outside it that a call may touch. */
export interface DispatchParts {
  /** Opened with the first call that needs it: finding operations works without a database. */
  store(): Promise<Store>;
  readonly operations: OperationIndex;
  readonly caller: Caller;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly facts: Omit<ServerFacts, "operations" | "call" | "database">;
  readonly waitFor: typeof waitFor;
  /** Makes the ids under which a write, or a failure in the log, is found again. */
  newRequestId(): string;
  /** Before a call writes: the session row that keeps the caller's leases stands. */
  beforeWrite(): Promise<void>;
  /** What a write has left due at once is to be done. */
  readonly noteDue: () => void;
}

export interface CallOptions {
  /** Fires when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
  /** Given where the client shows progress: then a wait may be longer, and reports how long it has lasted. */
  readonly progress?: (elapsedMs: number) => void;
  /** Told of a run that the call has started, before it waits for it. */
  readonly onRun?: (run: string) => void;
}

export interface Answer {
  readonly operation: Operation;
  readonly result: Record<string, unknown>;
}

/** A bug: it stands in the log under `requestId`, and the caller learns no more than that. */
export class InternalError extends Error {
  readonly requestId: string;

  constructor(requestId: string, cause: unknown) {
    super(`The server failed at this call. The reason stands in its log under ${requestId}.`, { cause });
    this.name = "InternalError";
    this.requestId = requestId;
  }
}

type Step = Parameters<Host["transact"]>[0];

/** The one path of every call, whoever makes it: MCP, the command line, a test. */
export class Dispatch {
  readonly #parts: DispatchParts;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  /**
   * Looks the operation up, cleans and parses the input, runs it and holds the result against its output schema.
   * Throws `BatonError` for what the caller can act on and `InternalError` for the rest.
   */
  async call(name: string, input: Record<string, unknown>, options: CallOptions = {}): Promise<Answer> {
    try {
      const operation = this.#parts.operations.require(name);
      return { operation, result: await this.#perform(operation, inputAs(operation, name, input), options) };
    } catch (error) {
      if (error instanceof BatonError || error instanceof InternalError) throw error;
      const known = programReplaced(error);
      if (known) throw known;
      const requestId = this.#parts.newRequestId();
      this.#parts.logger.error("a call failed", { request: requestId, operation: name.slice(0, 100), error });
      throw new InternalError(requestId, error);
    }
  }

  async #perform(operation: Operation, raw: Record<string, unknown>, options: CallOptions) {
    const { settings, caller } = this.#parts;
    requirePermission(operation, caller);
    const input = parseInput(operation, cleanInput(raw, settings.input_bytes_max));
    const call = new Call(this.#parts, operation, input);
    if ("perform" in operation) {
      const host = this.#host(call, options);
      return checkedResult(operation, await operation.perform(host, input));
    }
    const command: Step = (ctx) => checkedRun(operation, ctx, input);
    // checkedRun gives the record that it has parsed; the cast only names it.
    return (await (operation.effect === "read" ? call.read(command) : call.write(command, "run"))) as Result;
  }

  #host(call: Call, options: CallOptions): Host {
    const { settings, facts, operations } = this.#parts;
    const signal = options.signal ?? new AbortController().signal;
    const { progress, onRun } = options;
    return {
      transact: (command, step = "step") => call.write(command, step),
      read: (query) => call.read(query),
      earlier: (step) => call.earlier(step),
      snapshot: (query) => call.snapshot(query),
      signal,
      started: (run) => onRun?.(run),
      waitFor: async (look, timeoutSeconds) => {
        const store = await this.#parts.store();
        const mostMs = progress ? settings.wait_max_with_progress_ms : settings.wait_max_ms;
        return this.#parts.waitFor(look, {
          timeoutMs: Math.min(timeoutSeconds * 1000, mostMs),
          signal,
          onWake: (listener) => store.onWake(listener),
          ...(progress && { progress: { everyMs: settings.progress_every_ms, report: progress } }),
        });
      },
      server: {
        ...facts,
        database: async () => (await this.#parts.store()).info,
        operations,
        call: async (nested) => {
          const operation = operations.require(nested.name);
          if (nested.allow === "read" && operation.effect !== "read") throw notARead(operation, nested.arguments);
          if (operation.area === "meta") throw metaInMeta(operation);
          const input = inputAs(operation, nested.name, nested.arguments);
          return { name: operation.name, result: await this.#perform(operation, input, options) };
        },
      },
    };
  }
}

type Result = Record<string, unknown>;

/** One call's transactions, each under the call's request id where it has one. */
class Call {
  readonly #parts: DispatchParts;
  readonly #operation: Operation;
  readonly #requestId: string | undefined;
  readonly #subject: string;
  readonly #rest: Record<string, unknown>;
  /** How many recorded steps there are of each kind. */
  readonly #recorded = new Map<string, number>();

  constructor(parts: DispatchParts, operation: Operation, input: Record<string, unknown>) {
    this.#parts = parts;
    this.#operation = operation;
    const { request_id: requestId, ...rest } = input;
    this.#requestId = typeof requestId === "string" ? requestId : undefined;
    this.#subject = typeof rest["agent"] === "string" ? rest["agent"] : parts.caller.agent;
    this.#rest = rest;
  }

  async read<T>(query: (ctx: EngineContext) => Tx<T>): Promise<T> {
    const { caller, settings } = this.#parts;
    const store = await this.#parts.store();
    return store.read((ctx) => query({ ...ctx, caller, settings, effects }));
  }

  async snapshot<T>(query: (ctx: EngineContext) => Tx<T>): Promise<T> {
    const { caller, settings } = this.#parts;
    const store = await this.#parts.store();
    return store.snapshot((ctx) => query({ ...ctx, caller, settings, effects }));
  }

  async write<T>(command: (ctx: EngineContext) => Tx<T>, step: string): Promise<T> {
    if (this.#operation.effect === "read") throw new Error(`${this.#operation.name} is a read and tried to write`);
    const { caller, settings, noteDue } = this.#parts;
    const store = await this.#parts.store();
    await this.#parts.beforeWrite();
    const requestId = this.#requestIdOf(step, store);
    if (requestId === undefined)
      return store.transact((ctx) => command({ ...ctx, caller, settings, noteDue, effects }));
    const request = this.#request(requestId);
    const { result, recorded } = await store.transact(
      (ctx) => {
        const context = { ...ctx, caller, settings, noteDue, effects };
        return once(context, request, () => command(context));
      },
      // After a lost answer to the commit it reads first what it may have written.
      { idempotent: true },
    );
    if (recorded) this.#recorded.set(step, (this.#recorded.get(step) ?? 0) + 1);
    return result;
  }

  /** What the caller's own id has recorded for the first step of a kind; undefined where it was not done, or has no id. */
  async earlier<T>(step: string): Promise<T | undefined> {
    if (this.#requestId === undefined) return undefined;
    const store = await this.#parts.store();
    const requestId = this.#requestIdOf(step, store);
    if (requestId === undefined) return undefined;
    return (await store.read(() => doneEarlier<T>(this.#request(requestId))))?.result;
  }

  #request(requestId: string): WriteRequest {
    return {
      subject: this.#subject,
      requestId,
      operation: this.#operation.name,
      inputHash: hashOfInput(this.#rest),
    };
  }

  /**
   * The caller's id, with the place of the step among the recorded ones of its kind: the call again is given the same
   * steps in the same order. Without one, a database that can lose the answer to a commit gets an id for the try.
   */
  #requestIdOf(step: string, store: Store): string | undefined {
    if (this.#requestId === undefined)
      return store.info.backend === "postgres" ? this.#parts.newRequestId() : undefined;
    return step === "run" ? this.#requestId : `${this.#requestId}/${step}/${this.#recorded.get(step) ?? 0}`;
  }
}

/** The input of a call by this name: an alias adds what it asks for by itself, and what the caller says wins. */
function inputAs({ aliasInput }: Operation, name: string, input: Record<string, unknown>): Record<string, unknown> {
  return { ...(aliasInput && Object.hasOwn(aliasInput, name) && aliasInput[name]), ...input };
}

/** The result is checked before the commit: an operation that answers nonsense has changed nothing. */
function* checkedRun(operation: TransactionOperation, ctx: EngineContext, input: Record<string, unknown>): Tx<Result> {
  return checkedResult(operation, yield* operation.run(ctx, input));
}

function checkedResult(operation: Operation, result: unknown): Result {
  const checked = strict(operation.output).safeParse(result);
  if (checked.success) return checked.data;
  throw new Error(`${operation.name} gave a result that its output schema refuses: ${checked.error.message}`);
}

/**
 * Over stdio a handle is no proof of who acts, so an agent may take every role but those of a person. Who sits at a
 * terminal may do everything.
 */
function requirePermission({ name, permission = "anyone" }: Operation, caller: Caller): void {
  if (permission === "anyone" || caller.channel === "human") return;
  const persons: readonly PermissionRole[] = ["human", "admin"];
  if (permission.some((role) => !persons.includes(role))) return;
  const message = `${name} is for ${permission.join(" or ")}; an agent may not call it. A person calls it at a terminal: baton call ${name}.`;
  throw new BatonError("not_permitted", message, { details: { operation: name, permitted: [...permission] } });
}

function notARead(operation: Operation, args: Record<string, unknown>): BatonError {
  return new BatonError("not_permitted", `${operation.name} changes things, and query_operation only reads.`, {
    details: { operation: operation.name, effect: operation.effect },
    next: [{ tool: "call_operation", arguments: { name: operation.name, arguments: args } }],
  });
}

function metaInMeta(operation: Operation): BatonError {
  return new BatonError(
    "invalid_input",
    `${operation.name} is not called through another operation: call the tool itself.`,
    {
      details: { operation: operation.name },
    },
  );
}
