import { ClientRequestSchema, type JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";

const SHAPES: ReadonlyMap<string, (typeof ClientRequestSchema.options)[number]> = new Map(
  ClientRequestSchema.options.map((schema) => [schema.shape.method.value, schema]),
);

/**
 * Says in one sentence what is wrong with the parameters of a request; undefined where they fit, or where the method is
 * not one of MCP's. The SDK finds it too, but answers with an internal error and the validator's dump.
 */
export function misshapen({ method, params }: JSONRPCRequest): string | undefined {
  const checked = SHAPES.get(method)?.safeParse({ method, params });
  if (checked === undefined || checked.success) return undefined;
  const problems = checked.error.issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`);
  return `Invalid params of ${method}: ${problems.slice(0, PROBLEMS_MAX).join("; ")}`;
}

const PROBLEMS_MAX = 5;
