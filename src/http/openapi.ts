import { isObject, type JsonObject } from "../base/json.js";
import type { Operation, OperationIndex } from "../dispatch/operation.js";
import { outputSchema } from "../dispatch/published.js";
import { DOCUMENTED, DOCUMENTED_ROOT, type DocumentedAddress } from "./documented.js";
import { streamPaths } from "./streams/openapi.js";

const JSON_TYPE = "application/json";

/** Describes every address as OpenAPI 3.1 does. */
export function openApi(index: OperationIndex, version: string): JsonObject {
  return {
    openapi: "3.1.1",
    info: {
      title: "Baton",
      version,
      description: "Every operation of Baton. A call that is refused answers with a problem (RFC 9457).",
      license: { name: "Apache 2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/api/v1" }],
    paths: {
      ...Object.fromEntries(index.all.map((operation) => [`/operations/${operation.name}`, pathOf(index, operation)])),
      ...Object.fromEntries(DOCUMENTED.map((one) => [`${DOCUMENTED_ROOT}/${one.path}`, documentedPath(index, one)])),
      ...streamPaths(REFUSALS),
    },
    // A program on the server's own machine needs none, unless the server asks everyone.
    security: [{ token: [] }, {}],
    components: {
      schemas: { Problem: PROBLEM },
      responses: { Refused: REFUSED },
      securitySchemes: { token: TOKEN },
    },
  };
}

function pathOf(index: OperationIndex, operation: Operation): JsonObject {
  const { name, title, description, area } = operation;
  return {
    post: {
      operationId: name,
      summary: title,
      description,
      tags: [area],
      ...("request_id" in operation.input.shape && { parameters: [IDEMPOTENCY_KEY] }),
      requestBody: bodyOf(index, operation),
      responses: responsesOf(operation),
    },
  };
}

/** An address of the founding documents: the same operation, its parameters in the query where it is read. */
function documentedPath(index: OperationIndex, { method, path, operation: name }: DocumentedAddress): JsonObject {
  const operation = index.require(name);
  const { title, description } = operation;
  const isRead = method === "GET";
  return {
    [method.toLowerCase()]: {
      operationId: `orchestration_${path.replaceAll(/[/-]/g, "_")}`,
      summary: title,
      description: `As ${name}. ${description}`,
      tags: ["orchestration"],
      ...(isRead ? { parameters: queryOf(index, operation) } : { requestBody: bodyOf(index, operation) }),
      responses: responsesOf(operation),
    },
  };
}

function bodyOf(index: OperationIndex, operation: Operation): JsonObject {
  const schema = index.inputSchema(operation);
  return { required: requiredIn(schema).length > 0, content: { [JSON_TYPE]: { schema } } };
}

function queryOf(index: OperationIndex, operation: Operation): JsonObject[] {
  const schema = index.inputSchema(operation);
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  return Object.entries(properties).map(([name, part]) => ({
    name,
    in: "query",
    required: requiredIn(schema).includes(name),
    schema: part,
  }));
}

function requiredIn(schema: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(schema["required"]) ? schema["required"] : [];
}

function responsesOf(operation: Operation): JsonObject {
  return {
    "200": { description: "Its result.", content: { [JSON_TYPE]: { schema: outputSchema(operation) } } },
    ...REFUSALS,
  };
}

const REFUSAL = { $ref: "#/components/responses/Refused" };
const REFUSALS = { "4XX": REFUSAL, "5XX": REFUSAL };

const REFUSED = {
  description: "It was refused: what happened, the state now, the next call.",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

const TOKEN = {
  type: "http",
  scheme: "bearer",
  description:
    "Made by a person at a terminal, by `baton token create`, or by the OAuth issuer that the server trusts.",
};

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  description: "The request_id of the call: the same key again returns the first answer.",
  schema: { type: "string" },
};

const PROBLEM = {
  type: "object",
  required: ["type", "title", "status", "detail", "code"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    instance: { type: "string" },
    code: { type: "string" },
    request_id: { type: "string" },
    details: { type: "object" },
    retry: {},
    next: { type: "array", items: { type: "object" } },
  },
};
