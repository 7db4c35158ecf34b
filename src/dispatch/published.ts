import { z } from "zod";
import type { Operation } from "./operation.js";
import { COMMON_PARAMETERS, PAGING_PARAMETERS, run, task, token } from "./params.js";
import type { JsonSchema, ToolAnnotations, ToolEntry } from "./toolsets.js";
import { isObject } from "../base/json.js";

export function toolEntries(operations: readonly Operation[]): ToolEntry[] {
  return operations.map((operation) => ({
    area: operation.area,
    listed: operation.listed ?? false,
    reads: operation.effect === "read",
    ...(operation.showsRun === true && { showsRun: true }),
    tool: {
      name: operation.name,
      title: operation.title,
      description: operation.description,
      inputSchema: publishedInput(operation),
      outputSchema: publishedOutput(operation),
      annotations: annotationsOf(operation),
      ...(operation.inLoop === true && { _meta: { "anthropic/alwaysLoad": true } }),
    },
  }));
}

function annotationsOf({ title, effect, input }: Operation): ToolAnnotations {
  return {
    title,
    readOnlyHint: effect === "read",
    destructiveHint: effect === "destructive",
    // With its request_id a write can be sent again; without one only a read can.
    idempotentHint: effect === "read" || !("request_id" in input.shape),
    openWorldHint: false,
  };
}

/** The input with every description, for find_operations and the reference. */
export function inputSchema(operation: Operation): JsonSchema & { type: "object" } {
  const schema = cleaned(z.toJSONSchema(operation.input, { io: "input", unrepresentable: "any" }));
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  return { ...schema, properties: mapped(properties, withType) };
}

/** A property that takes one of several types says so in its `type` too: some clients drop tools of which one has none. */
function withType(property: JsonSchema): JsonSchema {
  const { anyOf, ...rest } = property;
  if (!Array.isArray(anyOf) || rest["type"] !== undefined) return property;
  const choices = anyOf.filter(isObject);
  const type = [...new Set(choices.flatMap((choice) => choice["type"] ?? []))];
  const keys = choices.flatMap((choice) => Object.keys(choice).filter((key) => key !== "type"));
  const merges = choices.length === anyOf.length && new Set(keys).size === keys.length;
  return merges ? { ...rest, ...Object.fromEntries(choices.flatMap(Object.entries)), type } : { ...rest, type, anyOf };
}

function mapped(properties: JsonSchema, make: (property: JsonSchema, name: string) => unknown): JsonSchema {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, isObject(property) ? make(property, name) : property]),
  );
}

/**
 * The input schema as a model pays for it. The common parameters are explained once, in the server's instructions;
 * bounds that sensible input never reaches are left to dispatch, which names the one that was exceeded.
 */
function publishedInput(operation: Operation): JsonSchema & { type: "object" } {
  const schema = copyWithout(inputSchema(operation), isFinePrint);
  const { properties } = schema;
  if (!isObject(properties)) return schema;
  // A cursor without a limit is not the one of a list, and says for itself what it is.
  const common = "limit" in properties ? [...COMMON_PARAMETERS, ...PAGING_PARAMETERS] : [...COMMON_PARAMETERS];
  const shown = mapped(properties, (property, name) =>
    common.includes(name) ? { type: property["type"] } : asOneType(withoutLongEnum(withoutCommonWords(property)), name),
  );
  return { ...schema, properties: shown };
}

/** Descriptions that the instructions give once for every `run`, `task` and `token`. */
const SAID_ONCE: ReadonlySet<unknown> = new Set([run.description, task.description, token.description]);

function withoutCommonWords({ description, ...property }: JsonSchema): JsonSchema {
  return description === undefined || SAID_ONCE.has(description) ? property : { description, ...property };
}

const ENUM_SHOWN_MAX = 10;

/** Dispatch names the values to who gives another. */
function withoutLongEnum({ enum: values, ...property }: JsonSchema): JsonSchema {
  return Array.isArray(values) && values.length <= ENUM_SHOWN_MAX ? { ...property, enum: values } : property;
}

/** Publishes a property that takes a text or a number (a duration, an instant) as one of them: as a text, or as its name suggests. */
function asOneType(property: JsonSchema, name: string): JsonSchema {
  const { type } = property;
  const number = (one: unknown) => one === "integer" || one === "number";
  if (!Array.isArray(type) || type.length !== 2 || type[0] !== "string" || !number(type[1])) return property;
  return { ...property, type: name.endsWith("_ms") ? "integer" : "string" };
}

/**
 * The output as a client may check it. Clients hold an error's structured content against it too, so every key at the
 * top is optional and `error` stands among them; what dispatch checks is the strict schema.
 */
export function publishedOutput(operation: Operation): JsonSchema & { type: "object" } {
  const { required: _required, ...schema } = outputSchema(operation);
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  return { ...schema, type: "object", properties: { ...properties, error: { type: "object" } } };
}

/** The output as it is, for programs that call over HTTP. */
export function outputSchema(operation: Operation): JsonSchema & { type: "object" } {
  return cleaned(z.toJSONSchema(operation.output, { io: "output", unrepresentable: "any" }));
}

/** Without what tells a reader nothing: the dialect, `additionalProperties: false`, and the bounds of every integer. */
function cleaned(schema: unknown): JsonSchema & { type: "object" } {
  return copyWithout(schema, isNoise);
}

type Unwanted = (key: string, value: unknown) => boolean;

function copyWithout(schema: unknown, unwanted: Unwanted): JsonSchema & { type: "object" } {
  const copy = copyNode(schema, unwanted);
  if (!isObject(copy)) throw new Error("a JSON Schema is an object");
  return { ...copy, type: "object" };
}

function copyNode(node: unknown, unwanted: Unwanted): unknown {
  if (Array.isArray(node)) return node.map((item) => copyNode(item, unwanted));
  if (!isObject(node)) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, value]) => !unwanted(key, value))
      // Under `properties` the keys are names, of which none is unwanted.
      .map(([key, value]) => [
        key,
        key === "properties" && isObject(value) ? copyEach(value, unwanted) : copyNode(value, unwanted),
      ]),
  );
}

function copyEach(properties: Record<string, unknown>, unwanted: Unwanted): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, copyNode(schema, unwanted)]));
}

const SAFE_BOUNDS: ReadonlySet<unknown> = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);

function isNoise(key: string, value: unknown): boolean {
  if (key === "$schema" || key === "~standard") return true;
  if (key === "additionalProperties") return !isObject(value) || Object.keys(value).length === 0;
  if (key === "propertyNames") return isObject(value) && Object.keys(value).join() === "type";
  return (key === "minimum" || key === "maximum") && SAFE_BOUNDS.has(value);
}

const FINE_PRINT: ReadonlySet<string> = new Set([
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "pattern",
  "minimum",
  "maximum",
  "propertyNames",
  "additionalProperties",
]);

function isFinePrint(key: string, value: unknown): boolean {
  return FINE_PRINT.has(key) || ((key === "properties" || key === "default") && isObject(value) && isEmpty(value));
}

const isEmpty = (value: object) => Object.keys(value).length === 0;
