interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** A value that a schema of a step's output takes, in which everything went well. */
export function sampleOf(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return "done";
  const { type, enum: allowed, minimum = 0, items, properties = {} } = schema as Schema;
  if (allowed !== undefined) return allowed[0];
  switch (type) {
    case "object":
      return Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, sampleOf(inner)]));
    case "array":
      return [sampleOf(items), sampleOf(items)];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return minimum;
    default:
      return "done";
  }
}
