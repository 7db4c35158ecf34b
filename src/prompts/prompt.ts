import type { EngineContext } from "../engine/context.js";
import type { Tx } from "../store/tx.js";

export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** Values that go on from what has been typed, the most likely first. */
  complete?(typed: string): Tx<string[]>;
}

/** A text that a person hands to an assistant, made of the arguments and of what is recorded. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
  /** Errors: `not_found` for an argument that names nothing. */
  compose(ctx: EngineContext, given: PromptArguments): Tx<string>;
}

/** The arguments by name. One that is required is never empty; others are undefined where they are left out or empty. */
export interface PromptArguments {
  required(name: string): string;
  optional(name: string): string | undefined;
}
