import { strict } from "../../../src/dispatch/input.js";
import { catalogue, type OperationName, type ResultOf } from "../../../src/tools/registry.js";

/** Holds an answer that has come as text, over a pipe or from the command line, against the operation's own schema. */
export function resultOf<N extends OperationName>(name: N, answer: unknown): ResultOf<N> {
  return strict(catalogue.require(name).output).parse(answer);
}
