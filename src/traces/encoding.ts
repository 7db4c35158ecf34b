import type { SpanReference } from "./identifiers.js";

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue | null | undefined>>;

/** A span that has ended. */
export interface EndedSpan extends SpanReference {
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  readonly kind: "internal" | "server";
  /** Milliseconds since the epoch, with fractions. */
  readonly startAt: number;
  readonly endAt: number;
  /** Values that are null or undefined are left out. */
  readonly attributes: Attributes;
  readonly links?: readonly SpanReference[];
  readonly isError?: boolean;
}

export interface ExportScope {
  readonly resource: Attributes;
  readonly version: string;
}

const KINDS = { internal: 1, server: 2 } as const;
const ERROR = 2;
/** The conventions of the names used here; see docs/decisions/0102. */
const SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0";
const SAMPLED = 1;
/** Characters of one value: a name of any length does not fill a batch. */
const VALUE_CHARS_MAX = 256;

/** An ExportTraceServiceRequest of OTLP 1.x as JSON: ids in hexadecimal, 64-bit numbers as text, enumerations as numbers. */
export function exportRequest(spans: readonly EndedSpan[], { resource, version }: ExportScope): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: { name: "baton", version }, spans: spans.map(encoded), schemaUrl: SCHEMA_URL }],
        schemaUrl: SCHEMA_URL,
      },
    ],
  });
}

function encoded({ traceId, spanId, parentSpanId, name, kind, attributes, links = [], ...span }: EndedSpan) {
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    flags: SAMPLED,
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(span.startAt),
    endTimeUnixNano: nanoseconds(Math.max(span.startAt, span.endAt)),
    attributes: keyValues(attributes),
    ...(links.length > 0 && { links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })) }),
    status: span.isError === true ? { code: ERROR } : {},
  };
}

/** Exact to the microsecond, which a double still tells apart. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1_000)}000`;
}

function keyValues(attributes: Attributes) {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === null || value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: AttributeValue) {
  if (typeof value === "string") return { stringValue: value.slice(0, VALUE_CHARS_MAX) };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
