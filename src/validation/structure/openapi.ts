import { type Document, parseDocument } from "yaml";
import { isObject } from "../../base/json.js";
import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";

const CHECK = "openapi";
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;
const SHOWN_MAX = 50;
const ALIASES_MAX = 100;

type Values = Readonly<Record<string, unknown>>;

/** Finds what makes an OpenAPI 3 document wrong: missing parts, references to nothing, path parameters and ids that do not agree. */
export function checkOpenApi({ text }: Pick<ValidationSubject, "text">): CheckResult {
  const parsed = parseDocument(text, { logLevel: "silent" });
  // Invalid YAML or JSON is told by their own checks.
  if (parsed.errors.length > 0) return { issues: [] };
  const document = valuesOf(parsed);
  if (!isObject(document)) return { issues: [issue("critical", "", "This is no object, and so no OpenAPI document.")] };
  const issues = [...headIssues(document), ...pathIssues(document), ...referenceIssues(document)];
  return { issues: issues.slice(0, SHOWN_MAX) };
}

/** The values of a document; undefined for one whose aliases would grow beyond bounds. */
function valuesOf(parsed: Document): unknown {
  try {
    return parsed.toJS({ maxAliasCount: ALIASES_MAX }) as unknown;
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

function issue(severity: ValidationIssue["severity"], where: string, message: string): ValidationIssue {
  return { check: CHECK, severity, message, ...(where !== "" && { where }) };
}

function headIssues(document: Values): ValidationIssue[] {
  const { openapi, info, paths, components, webhooks } = document;
  const issues: ValidationIssue[] = [];
  if (typeof openapi !== "string" || !/^3\.[01]\.\d+/.test(openapi))
    issues.push(
      issue(
        "critical",
        "openapi",
        `The version must be 3.0.x or 3.1.x, as text; it is ${JSON.stringify(openapi) ?? "missing"}.`,
      ),
    );
  for (const key of ["title", "version"])
    if (!isObject(info) || typeof info[key] !== "string" || info[key] === "")
      issues.push(issue("major", `info.${key}`, `info.${key} is missing, or no text.`));
  const isOld = typeof openapi === "string" && openapi.startsWith("3.0");
  if (!isObject(paths) && (isOld || (components === undefined && webhooks === undefined)))
    issues.push(issue("critical", "paths", "paths is missing, or no object."));
  return issues;
}

function pathIssues(document: Values): ValidationIssue[] {
  const paths = isObject(document["paths"]) ? document["paths"] : {};
  const schemes = componentsOf(document, "securitySchemes");
  const ids = new Map<string, string>();
  return Object.entries(paths).flatMap(([path, item]) => {
    const issues: ValidationIssue[] = [];
    if (!path.startsWith("/") && !path.startsWith("x-"))
      issues.push(issue("major", path, `The path "${path}" must begin with a slash.`));
    if (!isObject(item)) return issues;
    for (const method of METHODS) {
      const operation = item[method];
      if (!isObject(operation)) continue;
      const where = `${method.toUpperCase()} ${path}`;
      issues.push(...operationIssues({ document, path, where, item, operation }));
      for (const name of unknownSchemes(operation["security"], schemes))
        issues.push(issue("major", where, `The security scheme "${name}" is defined nowhere.`));
      const id = operation["operationId"];
      if (typeof id !== "string") continue;
      const other = ids.get(id);
      if (other !== undefined) issues.push(issue("major", where, `The operationId "${id}" is that of ${other} too.`));
      ids.set(id, where);
    }
    return issues;
  });
}

interface OperationPlace {
  readonly document: Values;
  readonly path: string;
  readonly where: string;
  readonly item: Values;
  readonly operation: Values;
}

function operationIssues({ document, path, where, item, operation }: OperationPlace): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  const { responses } = operation;
  if (!isObject(responses) || Object.keys(responses).length === 0)
    issues.push(issue("major", where, "The operation says nothing of its responses."));
  else
    for (const [code, response] of Object.entries(responses)) {
      if (!/^(?:[1-5](?:\d\d|XX)|default|x-.*)$/.test(code))
        issues.push(issue("major", where, `"${code}" is no status code.`));
      else if (
        isObject(response) &&
        response["$ref"] === undefined &&
        typeof response["description"] !== "string" &&
        !code.startsWith("x-")
      )
        issues.push(issue("minor", where, `The response ${code} has no description.`));
    }
  const declared = new Set(parametersOf(document, item, operation));
  const used = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = ""]) => name);
  for (const name of used)
    if (!declared.has(name)) issues.push(issue("major", where, `The path parameter "${name}" is declared nowhere.`));
  for (const name of declared)
    if (!used.includes(name))
      issues.push(issue("major", where, `The parameter "${name}" is declared for the path, which does not have it.`));
  return issues;
}

/** Names of the parameters in the path. */
function parametersOf(document: Values, item: Values, operation: Values): string[] {
  const all = [item["parameters"], operation["parameters"]].flatMap((list): unknown[] =>
    Array.isArray(list) ? list : [],
  );
  return all.flatMap((given) => {
    const reference = isObject(given) ? given["$ref"] : undefined;
    const parameter = typeof reference === "string" ? targetOf(document, reference) : given;
    return isObject(parameter) && parameter["in"] === "path" && typeof parameter["name"] === "string"
      ? [parameter["name"]]
      : [];
  });
}

function unknownSchemes(security: unknown, schemes: Values): string[] {
  const all: unknown[] = Array.isArray(security) ? security : [];
  return all.flatMap((one) => (isObject(one) ? Object.keys(one) : [])).filter((name) => !Object.hasOwn(schemes, name));
}

function componentsOf(document: Values, kind: string): Values {
  const { components } = document;
  const found = isObject(components) ? components[kind] : undefined;
  return isObject(found) ? found : {};
}

function targetOf(document: Values, reference: string): unknown {
  if (!reference.startsWith("#/")) return undefined;
  let at: unknown = document;
  for (const step of reference.slice(2).split("/")) {
    const key = decodeURIComponent(step.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (Array.isArray(at)) at = (at as readonly unknown[])[Number(key)];
    else at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

/** References within the document that lead nowhere. Those to other files are not followed. */
function referenceIssues(document: Values): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  const open: { readonly at: string; readonly value: unknown }[] = [{ at: "", value: document }];
  for (let one = open.pop(); one !== undefined && issues.length < SHOWN_MAX; one = open.pop()) {
    const { at, value } = one;
    if (Array.isArray(value))
      open.push(...value.map((item: unknown, index) => ({ at: `${at}[${index}]`, value: item })));
    if (!isObject(value)) continue;
    const reference = value["$ref"];
    if (typeof reference === "string" && reference.startsWith("#") && targetOf(document, reference) === undefined)
      issues.push(issue("major", at, `${reference} leads nowhere.`));
    open.push(...Object.entries(value).map(([key, inner]) => ({ at: at === "" ? key : `${at}.${key}`, value: inner })));
  }
  return issues;
}
