import type { z } from "zod";
import type { Area } from "../base/areas.js";
import type { PermissionRole } from "../base/statuses.js";
import type { Command, EngineContext } from "../engine/context.js";
import type { QuotaUse } from "../engine/system/quotas.js";
import type { Engine } from "../engine/engine.js";
import type { Tx } from "../store/tx.js";
import type { ServerCapabilities } from "./capabilities.js";

/** Effect of an operation on the world: none, a change, or a change that takes something away. */
export type OperationEffect = "read" | "write" | "destructive";

/** Callers that are allowed: anyone, or only the roles named (spec 03, Permissions). */
export type Permission = "anyone" | readonly PermissionRole[];

interface Definition<I extends z.ZodObject, O extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /** Says what the operation does, when to use it and what it returns: one paragraph of at most 60 words. */
  readonly description: string;
  readonly area: Area;
  readonly effect: OperationEffect;
  /** In the default tool list. */
  readonly listed?: boolean;
  /** It is called in the loop of every agent: clients that load tools when they are needed load it at once. */
  readonly inLoop?: boolean;
  /** Its answer is one run, as `run`: clients that show pages show that one's. */
  readonly showsRun?: boolean;
  readonly aliases?: readonly string[];
  /** Parameters that an alias implies by its name: they apply where a call by that alias leaves them out. */
  readonly aliasInput?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Words in which people ask for it, beside those of its name and description: find_operations ranks by them. */
  readonly words?: readonly string[];
  /** Arguments of a call, where what is required says too little. */
  readonly example?: Readonly<Record<string, unknown>>;
  /** It takes steps of a workflow: find_operations shows how they are written. */
  readonly takesSteps?: boolean;
  readonly permission?: Permission | ((given: Readonly<Record<string, unknown>>) => Permission);
  /** The command with which a person does it, before the id it is about. Default: `baton call` and its name. */
  readonly atTerminal?: string;
  /** The quota of its agent that a call uses. */
  readonly quota?: QuotaUse;
  /** Returns an input in the form of another system as this operation's own; what it does not know stays for the schema to refuse. */
  translate?(given: Record<string, unknown>): Record<string, unknown>;
  readonly input: I;
  readonly output: O;
}

/** An operation that is one transaction: dispatch opens it, by its effect as a command or as a query. */
export interface TransactionOperation<
  I extends z.ZodObject = z.ZodObject,
  O extends z.ZodObject = z.ZodObject,
  P = unknown,
> extends Definition<I, O> {
  /**
   * Returns the query that does, before the transaction, what takes long and needs no lock; undefined where there is nothing of
   * that. `run` gets its result, checks that it still holds, and does the work itself where it does not or where the query failed.
   */
  prepare?(input: z.output<I>): Command<P> | undefined;
  run(ctx: EngineContext, input: z.output<I>, before?: P): Tx<z.input<O>>;
}

/** An operation that waits or touches the world outside: each of its steps is such a transaction. */
export interface WaitingOperation<
  I extends z.ZodObject = z.ZodObject,
  O extends z.ZodObject = z.ZodObject,
  N extends CapabilityName = CapabilityName,
> extends Definition<I, O> {
  /** Capabilities that `perform` uses. Its host has these and no others. */
  readonly needs?: readonly N[];
  perform(host: HostWith<N>, input: z.output<I>): Promise<z.input<O>>;
}

export type Operation = TransactionOperation | WaitingOperation;

/** The call that a waiting operation serves. */
export interface OperationHost extends Pick<Engine, "read" | "snapshot"> {
  /**
   * One step as a command. What it gives must be JSON data: under a request id a step that wrote is done once, and the
   * second time its recorded result comes back. An operation with steps of different kinds names them by `step`.
   */
  transact<T>(command: Command<T>, step?: string): Promise<T>;
  /**
   * Result that the call's request id has recorded for `transact` with this step, or undefined: for an operation that
   * touches the world before it commits, and must not do so again.
   */
  earlier<T>(step: string): Promise<T | undefined>;
  /**
   * Calls `look` now and after every commit of any process until it gives something other than undefined, or until
   * `timeout_seconds` (bounded by the limits of spec 03), or until the client cancels. Undefined on time-out. A look
   * that finds nothing should write nothing: what it commits would make every other waiter look again.
   */
  waitFor<T>(
    poll: () => Promise<T | undefined>,
    timeoutSeconds: number,
    nextPollMs?: () => number | undefined,
  ): Promise<T | undefined>;
  /** For the answer to a wait that found nothing: the bound of `waitFor`, where so many seconds are more. */
  waitBound(timeoutSeconds: number): Promise<{ readonly wait_seconds_max?: number }>;
  /** Tells the client's transport that its call has started this run, and may wait for it. */
  started(run: string): void;
  /** Fires when the client has cancelled the request. */
  readonly signal: AbortSignal;
}

/** Access to anything but the database. An operation names what it uses in `needs`, and its handler is given no more. */
export interface Capabilities extends ServerCapabilities {
  readonly operations: NestedOperations;
}

export type CapabilityName = keyof Capabilities;

/** The other operations, as find_operations, query_operation and call_operation use them. */
export interface NestedOperations {
  readonly index: OperationIndex;
  /** Calls another operation through the same dispatch. */
  call(call: NestedCall): Promise<{ name: string; result: Record<string, unknown> }>;
}

export interface NestedCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
  readonly allow: "read" | "any";
}

/** An operation's host with the capabilities that the operation needs. */
export type HostWith<N extends CapabilityName> = OperationHost & Pick<Capabilities, N>;

/** The registry as an operation may see it. */
export interface OperationIndex {
  readonly all: readonly Operation[];
  /** By name or alias. */
  find(name: string): Operation | undefined;
  /** By name or alias; throws `not_found` with the nearest names. */
  require(name: string): Operation;
  /** The full JSON Schema of an operation's input, with every description. */
  inputSchema(operation: Operation): Record<string, unknown>;
}

/** The types of an operation literal: its name, its input as a caller writes it, its result. They exist for the compiler alone. */
export interface Signature<N extends string, I, R> {
  readonly name: N;
  readonly signature?: { readonly input: I; readonly result: R };
}

/** Types an operation literal, and keeps its own types beside those that all operations have. */
export function defineOperation<
  const N extends string,
  I extends z.ZodObject,
  O extends z.ZodObject,
  C extends CapabilityName = never,
  P = never,
>(
  operation: (TransactionOperation<I, O, P> | WaitingOperation<I, O, C>) & { readonly name: N },
): Operation & Signature<N, z.input<I>, z.output<O>> {
  // The registry is a list of operations of every input type; dispatch parses with the operation's own schema before it
  // calls, which is what makes the widening sound.
  return operation;
}
