import type { InputOf, OperationName, ResultOf } from "../../../src/tools/registry.js";

/** An operation's input, which may be left out where every field of it may. */
type GivenOf<N extends OperationName, O> =
  Partial<InputOf<N>> extends InputOf<N> | Record<string, undefined>
    ? [input?: InputOf<N>, options?: O]
    : [input: InputOf<N>, options?: O];

/** Calls an operation with the types of its literal: what comes back has been held against the schema that they are inferred from. */
export type TypedCall<O> = <N extends OperationName>(name: N, ...given: GivenOf<N, O>) => Promise<ResultOf<N>>;

/** Calls by a name, with an input, that the compiler does not know: aliases, other names, input that is wrong on purpose. */
export type UncheckedCall<O> = (
  name: string,
  input?: Record<string, unknown>,
  options?: O,
) => Promise<Record<string, unknown>>;
