import { isDeepStrictEqual } from "node:util";
import { type JsonObject, isObject } from "../../base/json.js";
import { hashOfInput } from "../../base/hash.js";
import { hint } from "../../base/names.js";
import { pathText, type Problem, Problems } from "../../base/problems.js";
// The part of JSON Schema 2020-12 that a step's `output` may use. It is a closed list: a keyword outside it is refused
// when the workflow is made, because a constraint that is silently not checked is worse than none. Left out on purpose:
// `pattern`, whose worst cases would let one definition stop the server, and references. Interpreted, never compiled.

/** A JSON Schema of the supported part; `addSchemaProblems` has found nothing. */
export type OutputSchema = boolean | JsonObject;

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
type JsonType = (typeof TYPES)[number];

type Form =
  | "annotation"
  | "schema"
  | "schemas"
  | "schemaMap"
  | "count"
  | "number"
  | "flag"
  | "names"
  | "types"
  | "values"
  | "any";

const KEYWORDS: Readonly<Record<string, Form>> = {
  $schema: "annotation",
  $comment: "annotation",
  title: "annotation",
  description: "annotation",
  default: "annotation",
  examples: "annotation",
  type: "types",
  enum: "values",
  const: "any",
  properties: "schemaMap",
  required: "names",
  additionalProperties: "schema",
  propertyNames: "schema",
  minProperties: "count",
  maxProperties: "count",
  items: "schema",
  prefixItems: "schemas",
  minItems: "count",
  maxItems: "count",
  uniqueItems: "flag",
  minLength: "count",
  maxLength: "count",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
  allOf: "schemas",
  anyOf: "schemas",
  oneOf: "schemas",
  not: "schema",
};

interface ProblemPath {
  readonly path: string;
  readonly step: string;
  readonly problems: Problems;
}

/**
 * Adds the problems that keep a value from being a schema of the supported part. Its depth is bounded by the caller.
 */
export function addSchemaProblems(schema: unknown, place: ProblemPath): void {
  if (typeof schema === "boolean") return;
  const add = (path: string, message: string) => place.problems.add({ path, step: place.step, message });
  if (!isObject(schema)) return add(place.path, "must be a JSON Schema: an object, true or false");
  for (const [keyword, value] of Object.entries(schema)) {
    const path = `${place.path}.${keyword}`;
    const form = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    if (form === undefined) {
      const meant = hint(keyword, Object.keys(KEYWORDS));
      add(path, `this keyword of JSON Schema is not checked here, so it cannot be used${meant}`);
    } else {
      const message = formProblem(form, value);
      if (message !== undefined) add(path, message);
      else
        subschemas(form, value).forEach(([key, sub]) =>
          addSchemaProblems(sub, { ...place, path: pathText([path, ...key]) }),
        );
    }
  }
}

function formProblem(form: Form, value: unknown): string | undefined {
  switch (form) {
    case "annotation":
    case "any":
    case "schema":
      return undefined;
    case "schemas":
      return Array.isArray(value) && value.length > 0 ? undefined : "must be a list of schemas, not an empty one";
    case "schemaMap":
      return isObject(value) ? undefined : "must be an object of schemas";
    case "count":
      return Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : "must be an integer from 0";
    case "number":
      return typeof value === "number" ? undefined : "must be a number";
    case "flag":
      return typeof value === "boolean" ? undefined : "must be true or false";
    case "names":
      return Array.isArray(value) && value.every((name) => typeof name === "string")
        ? undefined
        : "must be a list of names";
    case "values":
      return Array.isArray(value) && value.length > 0 ? undefined : "must be a list of values, not an empty one";
    case "types": {
      const types: unknown[] = Array.isArray(value) ? value : [value];
      const known = types.length > 0 && types.every((type) => TYPES.some((one) => one === type));
      return known ? undefined : `must be one of ${TYPES.join(", ")}, or a list of them`;
    }
  }
}

function subschemas(form: Form, value: unknown): [(string | number)[], unknown][] {
  if (form === "schema") return [[[], value]];
  if (form === "schemas" && Array.isArray(value)) return value.map((sub, index) => [[index], sub]);
  if (form === "schemaMap" && isObject(value)) return Object.entries(value).map(([key, sub]) => [[key], sub]);
  return [];
}

/**
 * Returns the mismatches between a value and a schema, each with its path; empty when it fits. Sizes are bounded by the
 * caller.
 */
export function checkOutput(schema: OutputSchema, value: unknown, called = "result"): Problem[] {
  const problems = new Problems();
  check(schema, value, { path: [called], problems });
  return problems.list();
}

interface At {
  readonly path: readonly PropertyKey[];
  readonly problems: Problems;
}

function check(schema: OutputSchema, value: unknown, at: At): void {
  if (schema === true) return;
  if (schema === false) return refuse(at, "nothing is allowed here");
  checkGeneral(schema, value, at);
  checkCombined(schema, value, at);
  if (typeof value === "number") checkNumber(schema, value, at);
  else if (typeof value === "string")
    checkSize(schema, charactersOf(value), { at, min: "minLength", max: "maxLength", noun: "characters" });
  else if (Array.isArray(value)) checkArray(schema, value, at);
  else if (isObject(value)) checkObject(schema, value, at);
}

function refuse({ path, problems }: At, message: string): void {
  problems.add({ path: pathText(path), message });
}

function checkGeneral(schema: JsonObject, value: unknown, at: At): void {
  const { type, enum: allowed, const: only } = schema;
  const types: unknown[] = Array.isArray(type) ? type : [type];
  if (type !== undefined && !types.some((one) => isOfType(value, one as JsonType))) {
    refuse(at, `must be ${types.join(" or ")}, not ${typeName(value)}`);
  }
  if (Array.isArray(allowed) && !allowed.some((one) => isDeepStrictEqual(one, value))) {
    refuse(at, `must be one of ${JSON.stringify(allowed).slice(0, 500)}`);
  }
  if ("const" in schema && !isDeepStrictEqual(only, value)) refuse(at, `must be ${JSON.stringify(only).slice(0, 500)}`);
}

function checkCombined(schema: JsonObject, value: unknown, at: At): void {
  for (const sub of schemasOf(schema["allOf"])) check(sub, value, at);
  const anyOf = schemasOf(schema["anyOf"]);
  if (anyOf.length > 0 && !anyOf.some((sub) => fits(sub, value)))
    refuse(at, `fits none of the ${anyOf.length} forms of anyOf`);
  const oneOf = schemasOf(schema["oneOf"]);
  const fitting = oneOf.filter((sub) => fits(sub, value)).length;
  if (oneOf.length > 0 && fitting !== 1)
    refuse(at, `must fit exactly one of the ${oneOf.length} forms of oneOf, fits ${fitting}`);
  if ("not" in schema && fits(schema["not"] as OutputSchema, value)) refuse(at, "has the form that `not` excludes");
}

function fits(schema: OutputSchema, value: unknown): boolean {
  const problems = new Problems();
  check(schema, value, { path: [], problems });
  return problems.count === 0;
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
  if (schema["uniqueItems"] !== true) return;
  const seen = new Set(items.map(hashOfInput));
  if (seen.size < items.length) refuse(at, "has an item twice");
}

function checkObject(schema: JsonObject, value: JsonObject, at: At): void {
  const keys = Object.keys(value);
  checkSize(schema, keys.length, { at, min: "minProperties", max: "maxProperties", noun: "properties" });
  const required: unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  for (const name of required) {
    if (!Object.hasOwn(value, String(name))) refuse({ ...at, path: [...at.path, String(name)] }, "is required");
  }
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const { additionalProperties, propertyNames } = schema;
  for (const key of keys) {
    const here = { ...at, path: [...at.path, key] };
    if (propertyNames !== undefined && !fits(propertyNames as OutputSchema, key))
      refuse(here, "is a name that propertyNames excludes");
    if (Object.hasOwn(properties, key)) check(properties[key] as OutputSchema, value[key], here);
    else if (additionalProperties === false) refuse(here, `is not expected${hint(key, Object.keys(properties))}`);
    else if (additionalProperties !== undefined) check(additionalProperties as OutputSchema, value[key], here);
  }
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
