import { BatonError } from "../base/errors.js";
import type { Attributes } from "./encoding.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where spans go and how, by the variables that the OpenTelemetry specification names. */
export interface ExportTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of one attempt. */
  readonly timeoutMs: number;
  readonly queueMax: number;
  readonly batchMax: number;
  readonly delayMs: number;
  readonly resource: Attributes;
}

const PATH = "/v1/traces";
const TIMER_MS_MAX = 2_147_483_647;
const JSON_PROTOCOL = "http/json";

/**
 * Reads where traces are exported to; undefined where they are off. Errors: `invalid_input` for an address that is none, or a protocol that
 * this exporter does not speak.
 */
export function exportTarget(env: Environment): ExportTarget | undefined {
  const read = (name: string) => env[name]?.trim() || undefined;
  const own = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const shared = read("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (own === undefined && shared === undefined) return undefined;
  if (read("OTEL_SDK_DISABLED")?.toLowerCase() === "true" || read("OTEL_TRACES_EXPORTER") === "none") return undefined;
  const protocol = read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? read("OTEL_EXPORTER_OTLP_PROTOCOL") ?? JSON_PROTOCOL;
  // A collector takes JSON at the address at which it takes protobuf over HTTP.
  if (protocol === "grpc")
    throw new BatonError(
      "invalid_input",
      `Traces are not exported: OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and this exporter speaks ${JSON_PROTOCOL}. Set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL to ${JSON_PROTOCOL}, and the endpoint to the collector's HTTP port (4318).`,
    );
  const queueMax = numberOf(read("OTEL_BSP_MAX_QUEUE_SIZE"), 2_048);
  return {
    url: urlOf(own ?? `${(shared ?? "").replace(/\/+$/, "")}${PATH}`),
    headers: {
      ...pairsOf(read("OTEL_EXPORTER_OTLP_HEADERS")),
      ...pairsOf(read("OTEL_EXPORTER_OTLP_TRACES_HEADERS")),
    },
    timeoutMs: numberOf(read("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT") ?? read("OTEL_EXPORTER_OTLP_TIMEOUT"), 10_000),
    queueMax,
    batchMax: Math.min(queueMax, numberOf(read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), 512)),
    delayMs: numberOf(read("OTEL_BSP_SCHEDULE_DELAY"), 5_000),
    resource: {
      "service.name": "baton",
      ...pairsOf(read("OTEL_RESOURCE_ATTRIBUTES")),
      ...(read("OTEL_SERVICE_NAME") !== undefined && { "service.name": read("OTEL_SERVICE_NAME") }),
    },
  };
}

function urlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.href;
  // The address may hold a secret, so it is not repeated.
  throw new BatonError(
    "invalid_input",
    "Traces are not exported: OTEL_EXPORTER_OTLP_ENDPOINT is no http or https address.",
  );
}

function numberOf(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return text !== undefined && Number.isInteger(value) && value > 0 && value <= TIMER_MS_MAX ? value : otherwise;
}

/** `key=value,key=value`, with values per cent encoded, as W3C Baggage has them. What is none is left out. */
function pairsOf(text = ""): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(",").flatMap((pair) => {
      const at = pair.indexOf("=");
      const key = pair.slice(0, at).trim();
      const value = decoded(pair.slice(at + 1).trim());
      return at < 1 || key === "" || value === undefined ? [] : [[key, value] as const];
    }),
  );
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
