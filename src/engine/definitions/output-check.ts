import { startOf } from "../../base/texts/stored-values.js";
import { hashOfInput, type JsonObject, isObject } from "../../base/json.js";
import { hint } from "../../base/names.js";
import { pathText, type Problem, Problems } from "../../base/problems.js";
import type { JsonType, OutputSchema } from "./json-schema.js";

/**
 * Returns the mismatches between a value and a schema, each with its path; empty when it fits. Sizes are bounded by the
 * caller, and the work that a schema and a value make together by `COMPARISONS_MAX`.
 */
export function checkOutput(schema: OutputSchema, value: unknown, called = "result"): Problem[] {
  const problems = new Problems();
  try {
    check(schema, value, { path: [called], problems, work: new Work() });
  } catch (error) {
    if (!(error instanceof TooMuchWork)) throw error;
    problems.add({ path: called, message: TOO_MUCH_WORK });
  }
  return problems.list();
}

/** Other writers wait meanwhile: well under a second, and far more than a result of 256 KB needs with a usual schema. */
const COMPARISONS_MAX = 200_000;
const TOO_MUCH_WORK = `takes more than ${COMPARISONS_MAX} comparisons with its schema: make the schema or the value smaller`;

class TooMuchWork extends Error {}

/** The work of one check: what it may still compare, and what it has found of long values, which parts of a schema ask for again. */
class Work {
  #left = COMPARISONS_MAX;
  readonly #characters = new Map<string, number>();
  readonly #unique = new Map<readonly unknown[], boolean>();

  /** Errors: `TooMuchWork`. */
  spend(comparisons: number): void {
    this.#left -= comparisons;
    if (this.#left < 0) throw new TooMuchWork();
  }

  charactersOf(text: string): number {
    const known = this.#characters.get(text) ?? charactersOf(text);
    this.#characters.set(text, known);
    return known;
  }

  areUnique(items: readonly unknown[]): boolean {
    const known = this.#unique.get(items) ?? new Set(items.map(hashOfInput)).size === items.length;
    this.#unique.set(items, known);
    return known;
  }
}

interface At {
  readonly path: readonly PropertyKey[];
  readonly problems: Problems;
  readonly work: Work;
}

function check(schema: OutputSchema, value: unknown, at: At): void {
  at.work.spend(1);
  if (schema === true) return;
  if (schema === false) return refuse(at, "nothing is allowed here");
  checkGeneral(schema, value, at);
  checkCombined(schema, value, at);
  if (typeof value === "number") checkNumber(schema, value, at);
  else if (typeof value === "string") checkText(schema, value, at);
  else if (Array.isArray(value)) checkArray(schema, value, at);
  else if (isObject(value)) checkObject(schema, value, at);
}

/** The words of a problem that is only counted are spared. */
function refuse({ path, problems }: At, message: string | (() => string)): void {
  if (problems.full) problems.add({ path: "", message: "" });
  else problems.add({ path: pathText(path), message: typeof message === "string" ? message : message() });
}

function checkGeneral(schema: JsonObject, value: unknown, at: At): void {
  const { type, enum: allowed, const: only } = schema;
  const types: unknown[] = Array.isArray(type) ? type : [type];
  if (type !== undefined && !types.some((one) => isOfType(value, one as JsonType))) {
    refuse(at, `must be ${types.join(" or ")}, not ${typeName(value)}`);
  }
  if (Array.isArray(allowed) && !choicesOf(allowed).among.has(comparable(value)))
    refuse(at, `must be one of ${choicesOf(allowed).text}`);
  if ("const" in schema && comparable(only) !== comparable(value)) refuse(at, () => `must be ${shortJson(only)}`);
}

function checkCombined(schema: JsonObject, value: unknown, at: At): void {
  for (const sub of schemasOf(schema["allOf"])) check(sub, value, at);
  const anyOf = schemasOf(schema["anyOf"]);
  if (anyOf.length > 0 && !anyOf.some((sub) => fits(sub, value, at.work)))
    refuse(at, `fits none of the ${anyOf.length} forms of anyOf`);
  const oneOf = schemasOf(schema["oneOf"]);
  const fitting = oneOf.filter((sub) => fits(sub, value, at.work)).length;
  if (oneOf.length > 0 && fitting !== 1)
    refuse(at, `must fit exactly one of the ${oneOf.length} forms of oneOf, fits ${fitting}`);
  if ("not" in schema && fits(schema["not"] as OutputSchema, value, at.work))
    refuse(at, "has the form that `not` excludes");
}

function fits(schema: OutputSchema, value: unknown, work: Work): boolean {
  const problems = new Problems();
  check(schema, value, { path: [], problems, work });
  return problems.count === 0;
}

// Only a bound makes it count: a schema of many parts would read a long text once for each.
function checkText(schema: JsonObject, value: string, at: At): void {
  if (schema["minLength"] === undefined && schema["maxLength"] === undefined) return;
  checkSize(schema, at.work.charactersOf(value), { at, min: "minLength", max: "maxLength", noun: "characters" });
}

function checkNumber(schema: JsonObject, value: number, at: At): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (typeof minimum === "number" && value < minimum) refuse(at, `must be at least ${minimum}, is ${value}`);
  if (typeof maximum === "number" && value > maximum) refuse(at, `must be at most ${maximum}, is ${value}`);
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum)
    refuse(at, `must be over ${exclusiveMinimum}, is ${value}`);
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum)
    refuse(at, `must be under ${exclusiveMaximum}, is ${value}`);
}

interface Size {
  readonly at: At;
  readonly min: string;
  readonly max: string;
  readonly noun: string;
}

function checkSize(schema: JsonObject, size: number, { at, min, max, noun }: Size): void {
  const { [min]: least, [max]: most } = schema;
  if (typeof least === "number" && size < least) refuse(at, `needs at least ${least} ${noun}, has ${size}`);
  if (typeof most === "number" && size > most) refuse(at, `may have at most ${most} ${noun}, has ${size}`);
}

function checkArray(schema: JsonObject, items: readonly unknown[], at: At): void {
  checkSize(schema, items.length, { at, min: "minItems", max: "maxItems", noun: "items" });
  const prefix = schemasOf(schema["prefixItems"]);
  items.forEach((item, index) => {
    const sub = prefix[index] ?? (schema["items"] as OutputSchema | undefined);
    if (sub !== undefined) check(sub, item, { ...at, path: [...at.path, index] });
  });
  if (schema["uniqueItems"] === true && !at.work.areUnique(items)) refuse(at, "has an item twice");
}

function checkObject(schema: JsonObject, value: JsonObject, at: At): void {
  const keys = Object.keys(value);
  checkSize(schema, keys.length, { at, min: "minProperties", max: "maxProperties", noun: "properties" });
  const required: unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  at.work.spend(required.length);
  for (const name of required) {
    if (!Object.hasOwn(value, String(name))) refuse({ ...at, path: [...at.path, String(name)] }, "is required");
  }
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const { additionalProperties, propertyNames } = schema;
  for (const key of keys) {
    const here = { ...at, path: [...at.path, key] };
    if (propertyNames !== undefined && !fits(propertyNames as OutputSchema, key, at.work))
      refuse(here, "is a name that propertyNames excludes");
    if (Object.hasOwn(properties, key)) check(properties[key] as OutputSchema, value[key], here);
    else if (additionalProperties === false) refuseName(key, Object.keys(properties), here);
    else if (additionalProperties !== undefined) check(additionalProperties as OutputSchema, value[key], here);
  }
}

function refuseName(name: string, known: readonly string[], at: At): void {
  at.work.spend(known.length);
  refuse(at, `is not expected${hint(name, known)}`);
}

interface Choices {
  readonly among: ReadonlySet<unknown>;
  readonly text: string;
}

const CHOICES = new WeakMap<readonly unknown[], Choices>();
const HASHES = new WeakMap<object, string>();

/** Returns the values of an `enum`, prepared once: 20,000 values against 20,000 took 8 s one by one. */
function choicesOf(allowed: readonly unknown[]): Choices {
  const known = CHOICES.get(allowed) ?? { among: new Set(allowed.map(comparable)), text: shortJson(allowed) };
  CHOICES.set(allowed, known);
  return known;
}

/** Returns a value that `===` compares: a hash in place of an object, made once. */
function comparable(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const hash = HASHES.get(value) ?? `\0${hashOfInput(value)}`;
  HASHES.set(value, hash);
  return hash;
}

function shortJson(value: unknown): string {
  return startOf(JSON.stringify(value), 500);
}

function schemasOf(value: unknown): OutputSchema[] {
  return Array.isArray(value) ? (value as OutputSchema[]) : [];
}

// JSON Schema counts code points: a pair of surrogates is one character.
function charactersOf(value: string): number {
  return value.length - (value.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function isOfType(value: unknown, type: JsonType): boolean {
  if (type === "integer") return Number.isInteger(value);
  return typeName(value) === type;
}
