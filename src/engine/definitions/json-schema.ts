import { type JsonObject, isObject } from "../../base/json.js";
import { hint } from "../../base/names.js";
import { pathText, type Problems } from "../../base/problems.js";
// The part of JSON Schema 2020-12 that a step's `output` may use. It is a closed list: a keyword outside it is refused
// when the workflow is made, because a constraint that is silently not checked is worse than none. Left out on purpose:
// `pattern`, whose worst cases would let one definition stop the server, and references. Interpreted, never compiled.

/** A JSON Schema of the supported part; `addSchemaProblems` has found nothing. */
export type OutputSchema = boolean | JsonObject;

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
export type JsonType = (typeof TYPES)[number];

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
  if (!isObject(schema))
    return add(place.path, `must be a JSON Schema: ${schemaMeant(schema) ?? "an object, true or false"}`);
  for (const [keyword, value] of Object.entries(schema)) {
    const path = `${place.path}.${keyword}`;
    const form = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    if (form === undefined) {
      const field = schemaMeant(value) ?? (isObject(value) && "type" in value ? JSON.stringify(value) : undefined);
      const meant =
        field === undefined
          ? hint(keyword, Object.keys(KEYWORDS))
          : `: a field stands under properties: { ${keyword}: ${field} }`;
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

/** Returns the schema for a type that was written alone. */
function schemaMeant(written: unknown): string | undefined {
  return TYPES.some((type) => type === written) ? `{ type: ${String(written)} }` : undefined;
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
