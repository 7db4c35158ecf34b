/** The caller's place in a trace, which a client sends without a prefix (SEP-414). */
export function traceparentOf(meta: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const text = meta?.["traceparent"];
  return typeof text === "string" ? text : undefined;
}
