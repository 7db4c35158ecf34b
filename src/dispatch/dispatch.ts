import { startOf } from "../base/texts/stored-values.js";
import type { Caller, Command } from "../engine/context.js";
import { type Engine, prepared } from "../engine/engine.js";
import { BatonError, programReplaced } from "../base/errors.js";
import { type Done, doneEarlier, once, type WriteRequest } from "../engine/idempotency.js";
import { withinQuotas } from "../engine/system/quotas.js";
import { hashOfInput } from "../base/json.js";
import type { Settings } from "../base/settings.js";
import type { Logger } from "../runtime/logger.js";
import type { waitFor } from "../runtime/waiting.js";
import { asWanted } from "./input/coercion.js";
import { withOwnNames } from "./input/foreign-names.js";
import { checkInput, parseInput, strict } from "./input.js";
import * as params from "./params.js";
import { requirePermission, requireSubject } from "./permissions.js";
import type { ServerCapabilities } from "./capabilities.js";
import type { CallOrigin, CallSpan, CallTracer } from "./tracing.js";
import type {
  Capabilities,
  CapabilityName,
  NestedCall,
  Operation,
  OperationHost,
  OperationIndex,
} from "./operation.js";

/** Dependencies of dispatch: everything outside it that a call may touch. */
export interface DispatchParts {
  /**
   * Bound to the caller; before a command it ensures the session that keeps the caller's leases. Opened with the first call that
   * needs it: finding operations works without a database.
   */
  engine(): Promise<Engine>;
  readonly operations: OperationIndex;
  readonly caller: Caller;
  /** In force now. */
  settings(): Settings;
  /** Whether operations that change something are refused. */
  readonly readOnly: boolean;
  /** Told of each call by the agent that makes it; the function that it gives is called at the end. */
  readonly heard?: (agent: string) => Promise<() => void>;
  readonly logger: Logger;
  /** Absent where no traces are exported. */
  readonly tracer?: CallTracer | undefined;
  readonly capabilities: ServerCapabilities;
  readonly waitFor: typeof waitFor;
  /** Makes the ids under which a write, or a failure in the log, is found again. */
  newRequestId(): string;
}

export interface CallOptions {
  /** Fires when the caller no longer waits for the answer. */
  readonly signal?: AbortSignal;
  /** Given where the client shows progress: then a wait may be longer, and reports how long it has lasted. */
  readonly progress?: (elapsedMs: number) => void;
  /** Absent for a call of this program itself. */
  readonly origin?: CallOrigin | undefined;
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
    super(`Internal error: the call failed. The server's log has the details under ${requestId}.`, { cause });
    this.name = "InternalError";
    this.requestId = requestId;
  }
}

/** The one path of every call, from MCP, the command line or a test. */
export class Dispatch {
  readonly #parts: DispatchParts;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  /**
   * Looks the operation up, checks and parses the input, runs it and holds the result against its output schema.
   * Throws `BatonError` for what the caller can act on and `InternalError` for the rest.
   */
  async call(name: string, input: Record<string, unknown>, options: CallOptions = {}): Promise<Answer> {
    const startedAt = performance.now();
    const log = (outcome: { readonly failed?: string }) => {
      const ms = Math.round(performance.now() - startedAt);
      this.#parts.logger.debug("call", { operation: name.slice(0, 100), ms, ...outcome });
    };
    try {
      const operation = this.#parts.operations.require(name);
      const result = await this.#perform(operation, inputAs(operation, name, input), options);
      log({});
      return { operation, result };
    } catch (error) {
      log({ failed: error instanceof BatonError ? error.code : "internal" });
      if (error instanceof BatonError || error instanceof InternalError) throw error;
      const known = programReplaced(error);
      if (known) throw known;
      const requestId = this.#parts.newRequestId();
      this.#parts.logger.error("a call failed", { request: requestId, operation: startOf(name, 100), error });
      throw new InternalError(requestId, error);
    }
  }

  /** Whether an operation is a list that is read in pages: the same call again with a smaller limit is the start of the page. */
  isList(name: string): boolean {
    const operation = this.#parts.operations.find(name);
    if (operation?.effect !== "read") return false;
    const { shape } = operation.input;
    return "cursor" in shape && "limit" in shape;
  }

  async #perform(operation: Operation, given: Record<string, unknown>, options: CallOptions) {
    const { tracer, caller } = this.#parts;
    if (tracer === undefined) return this.#performed(operation, given, options);
    const { agent: named = caller.agent } = given;
    const agent = typeof named === "string" ? named : caller.agent;
    const span = tracer.begin({ operation: operation.name, input: given, agent, origin: options.origin });
    try {
      const result = await this.#performed(operation, given, { ...options, span });
      span.end({ result });
      return result;
    } catch (error) {
      span.end({ error: error instanceof BatonError ? error.code : "internal" });
      throw error;
    }
  }

  async #performed(operation: Operation, given: Record<string, unknown>, options: SpannedOptions) {
    if (this.#parts.readOnly) requireRead(operation, given);
    const own = withOwnNames(operation, given);
    requirePermission(operation, { caller: this.#parts.caller, given: own });
    // Before the check: a text may hold what the check looks for.
    const raw = asWanted(operation.input, own);
    checkInput(operation.name, raw, this.#parts.settings().input_bytes_max);
    const input = parseInput(operation, raw);
    requireSubject(operation, input, this.#parts.caller);
    const end = await this.#heard(operation, input);
    try {
      return await this.#run(operation, input, options);
    } finally {
      end?.();
    }
  }

  /** A call is a sign of the agent that it names as acting, else of the connection's own. A call within another is the inner one's. */
  async #heard(operation: Operation, input: Record<string, unknown>): Promise<(() => void) | undefined> {
    if (operation.area === "meta") return undefined;
    const named = operation.input.shape["agent"] === params.agent ? input["agent"] : undefined;
    return this.#parts.heard?.(typeof named === "string" ? named : this.#parts.caller.agent);
  }

  async #run(operation: Operation, input: Record<string, unknown>, options: SpannedOptions) {
    const call = new Call(this.#parts, { operation, input, span: options.span });
    if ("perform" in operation) {
      const capabilities = granted(this.#capabilities(options), operation.needs ?? []);
      const host = { ...this.#host(call, options), ...capabilities };
      return checkedResult(operation, await operation.perform(host, input));
    }
    const engine = await this.#parts.engine();
    const query = operation.prepare?.(input);
    const before = query && (await prepared(engine, query));
    const command: Command<Result> = function* (ctx) {
      // Checked before the commit: an operation that answers nonsense has changed nothing.
      return checkedResult(operation, yield* operation.run(ctx, input, before));
    };
    return operation.effect === "read" ? engine.read(command) : call.write(command, "run");
  }

  #capabilities(options: CallOptions): Capabilities {
    const { capabilities, operations: index } = this.#parts;
    const call = async (nested: NestedCall) => {
      const operation = index.require(nested.name);
      if (nested.allow === "read" && operation.effect !== "read") throw notARead(operation, nested.arguments);
      if (operation.area === "meta") throw metaInMeta(operation);
      const input = inputAs(operation, nested.name, nested.arguments);
      return { name: operation.name, result: await this.#perform(operation, input, options) };
    };
    return { ...capabilities, operations: { index: this.#parts.readOnly ? readsOf(index) : index, call } };
  }

  #host(call: Call, options: CallOptions): OperationHost {
    const signal = options.signal ?? new AbortController().signal;
    const { progress, onRun } = options;
    return {
      transact: (command, step = "step") => call.write(command, step),
      read: async (query) => (await this.#parts.engine()).read(query),
      earlier: (step) => call.earlier(step),
      snapshot: async (query) => (await this.#parts.engine()).snapshot(query),
      signal,
      started: (run) => onRun?.(run),
      waitBound: async (timeoutSeconds) => {
        const most = longestWaitMs((await this.#parts.engine()).settings(), options) / 1000;
        return timeoutSeconds > most ? { wait_seconds_max: most } : {};
      },
      waitFor: async (poll, timeoutSeconds, nextPollMs) => {
        const engine = await this.#parts.engine();
        const settings = engine.settings();
        return this.#parts.waitFor(poll, {
          timeoutMs: Math.min(timeoutSeconds * 1000, longestWaitMs(settings, options)),
          signal,
          onWake: (listener) => engine.onWake(listener),
          nextPollMs,
          ...(progress && { progress: { everyMs: settings.progress_every_ms, report: progress } }),
        });
      },
    };
  }
}

type Result = Record<string, unknown>;

interface SpannedOptions extends CallOptions {
  readonly span?: CallSpan;
}

interface CallParts {
  readonly operation: Operation;
  readonly input: Record<string, unknown>;
  readonly span: CallSpan | undefined;
}

/** A client that shows progress does not take a long call for a dead one. */
function longestWaitMs(settings: Settings, { progress }: CallOptions): number {
  return progress ? settings.wait_max_with_progress_ms : settings.wait_max_ms;
}

/** One call's transactions, each under the call's request id where it has one. */
class Call {
  readonly #parts: DispatchParts;
  readonly #operation: Operation;
  readonly #requestId: string | undefined;
  readonly #subject: string;
  readonly #rest: Record<string, unknown>;
  readonly #span: CallSpan | undefined;
  /** How many recorded steps there are of each kind. */
  readonly #recorded = new Map<string, number>();

  constructor(parts: DispatchParts, { operation, input, span }: CallParts) {
    this.#parts = parts;
    this.#operation = operation;
    this.#span = span;
    const { request_id: requestId, ...rest } = input;
    this.#requestId = typeof requestId === "string" ? requestId : undefined;
    this.#subject = typeof rest["agent"] === "string" ? rest["agent"] : parts.caller.agent;
    this.#rest = rest;
  }

  async write<T>(command: Command<T>, step: string): Promise<T> {
    if (this.#operation.effect === "read") throw new Error(`${this.#operation.name} is a read and tried to write`);
    const engine = await this.#parts.engine();
    const requestId = this.#requestIdOf(step, engine);
    const call = { agent: this.#subject, use: this.#operation.quota };
    const traced: Command<T> = (ctx) => {
      if (ctx.noted !== undefined) this.#span?.note(ctx.noted);
      return command(ctx);
    };
    if (requestId === undefined) return engine.transact((ctx) => withinQuotas(ctx, call, () => traced(ctx)));
    const request = this.#request(requestId);
    const work: Command<Done<T>> = (ctx) => once(ctx, request, () => traced(ctx));
    // After a lost answer to the commit it reads first what it may have written.
    const { result, recorded } = await engine.transact((ctx) => withinQuotas(ctx, call, () => work(ctx)), {
      idempotent: true,
    });
    if (recorded) this.#recorded.set(step, (this.#recorded.get(step) ?? 0) + 1);
    return result;
  }

  /**
   * Result that the caller's request id has recorded for the first step of a kind; undefined where the step was not
   * done, or the call has no id.
   */
  async earlier<T>(step: string): Promise<T | undefined> {
    if (this.#requestId === undefined) return undefined;
    const engine = await this.#parts.engine();
    const requestId = this.#requestIdOf(step, engine);
    if (requestId === undefined) return undefined;
    return (await engine.read(() => doneEarlier<T>(this.#request(requestId))))?.result;
  }

  #request(requestId: string): WriteRequest {
    const givenAs = this.#requestId ?? requestId;
    const inputHash = hashOfInput(this.#rest);
    return { subject: this.#subject, requestId, givenAs, operation: this.#operation.name, inputHash };
  }

  /**
   * The caller's id, with the place of the step among the recorded ones of its kind: the call again is given the same
   * steps in the same order. Without one, a database that can lose the answer to a commit gets an id for the try.
   */
  #requestIdOf(step: string, { database }: Engine): string | undefined {
    if (this.#requestId === undefined) return database.backend === "postgres" ? this.#parts.newRequestId() : undefined;
    // A caller's id has no slash once it is written so: no id of a call is that of another call's step.
    const own = this.#requestId.replace(/[%/]/g, (sign) => (sign === "%" ? "%25" : "%2F"));
    return step === "run" ? own : `${own}/${step}/${this.#recorded.get(step) ?? 0}`;
  }
}

/** The input of a call by this name: an alias adds what it asks for by itself, and what the caller says wins. */
function inputAs({ aliasInput }: Operation, name: string, input: Record<string, unknown>): Record<string, unknown> {
  return { ...(aliasInput && Object.hasOwn(aliasInput, name) && aliasInput[name]), ...input };
}

function checkedResult(operation: Operation, result: unknown): Result {
  const checked = strict(operation.output).safeParse(result);
  if (checked.success) return checked.data;
  throw new Error(`${operation.name} gave a result that its output schema refuses: ${checked.error.message}`);
}

function notARead(operation: Operation, args: Record<string, unknown>): BatonError {
  const message = `${operation.name} writes, and query_operation only reads: use call_operation.`;
  return new BatonError("not_permitted", message, {
    details: { operation: operation.name, effect: operation.effect },
    next: [{ tool: "call_operation", arguments: { name: operation.name, arguments: args } }],
  });
}

function metaInMeta(operation: Operation): BatonError {
  const message = `${operation.name} cannot be called through another operation: call the tool itself.`;
  return new BatonError("invalid_input", message, { details: { operation: operation.name } });
}

/** Errors: `not_permitted` for an operation that changes something, where the process only reads. */
function requireRead({ name, effect }: Operation, given: Record<string, unknown>): void {
  if (effect === "read") return;
  const message =
    name === "call_operation"
      ? "This server is read-only: query_operation runs its queries."
      : `This server is read-only, and ${name} changes something; nothing was done. A server that is started without --read-only (and without BATON_READ_ONLY) takes it.`;
  const next = name === "call_operation" ? { next: [{ tool: "query_operation", arguments: given }] } : {};
  throw new BatonError("not_permitted", message, { details: { operation: name, read_only: true }, ...next });
}

/** The operations that only read, as find_operations shows them. */
function readsOf(index: OperationIndex): OperationIndex {
  const find = (name: string) => {
    const found = index.find(name);
    return found?.effect === "read" ? found : undefined;
  };
  return {
    ...index,
    all: index.all.filter(({ effect }) => effect === "read"),
    find,
    require: (name) => index.require(name),
    inputSchema: (operation) => index.inputSchema(operation),
  };
}

/** Selects the capabilities that an operation needs. */
function granted<N extends CapabilityName>(all: Capabilities, needs: readonly N[]): Pick<Capabilities, N> {
  return Object.fromEntries(needs.map((name) => [name, all[name]])) as Pick<Capabilities, N>;
}
