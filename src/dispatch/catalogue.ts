import { startOf } from "../base/texts/stored-values.js";
import { BatonError } from "../base/errors.js";
import { nearestFew } from "../base/names.js";
import type { Operation, OperationIndex } from "./operation.js";
import { inputSchema } from "./published.js";

const SUGGESTIONS_MAX = 3;

/** Finds operations by name or alias. Throws where two of them share one, which is a mistake of the registry. */
export class Catalogue implements OperationIndex {
  readonly all: readonly Operation[];
  readonly #byName = new Map<string, Operation>();

  constructor(operations: readonly Operation[]) {
    this.all = operations;
    for (const operation of operations) {
      for (const name of [operation.name, ...(operation.aliases ?? [])]) {
        if (this.#byName.has(name)) throw new Error(`two operations are called ${name}`);
        this.#byName.set(name, operation);
      }
    }
  }

  find(name: string): Operation | undefined {
    return this.#byName.get(name) ?? this.#byName.get(plainName(name));
  }

  require(name: string): Operation {
    const operation = this.find(name);
    if (operation !== undefined) return operation;
    const near = nearestFew(name, this.#byName.keys(), SUGGESTIONS_MAX);
    const meant = near.length > 0 ? ` The nearest: ${near.join(", ")}.` : "";
    throw new BatonError("not_found", `Unknown operation "${startOf(name, 100)}".${meant}`, {
      details: { name: startOf(name, 100), nearest: near },
      next: [{ tool: "find_operations", arguments: { query: near[0] ?? startOf(name, 100) } }],
    });
  }

  inputSchema(operation: Operation): Record<string, unknown> {
    return inputSchema(operation);
  }
}

/** A name without what a client puts before it (`mcp__baton__`, `baton.`), from camel case or with hyphens too. */
function plainName(name: string): string {
  return name
    .slice(0, NAME_CHARS_MAX)
    .replace(/^mcp__[A-Za-z0-9-]+__|^baton[.:/]/, "")
    .replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`)
    .replaceAll("-", "_")
    .toLowerCase();
}

const NAME_CHARS_MAX = 100;
