import { answering, type HttpReceiver, startReceiver } from "../receivers.js";
import { until } from "../until.js";

/** A span as a collector has received it, with the process that sent it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { traceId: string; spanId: string }[];
  readonly isError: boolean;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A collector of traces on this machine, and the environment that has a process export to it. */
export interface Collector {
  readonly receiver: HttpReceiver;
  readonly env: Readonly<Record<string, string>>;
  spans(): ReceivedSpan[];
  /** The spans of which `wanted` takes at least `count`, once they are here. */
  waitFor(what: string, wanted: (span: ReceivedSpan) => boolean, count?: number): Promise<ReceivedSpan[]>;
}

export async function startCollector(): Promise<Collector> {
  const receiver = await startReceiver();
  receiver.answer(answering(200, "{}"));
  const spans = () => receiver.posts.flatMap(({ body }) => spansIn(body));
  return {
    receiver,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.port}`, OTEL_BSP_SCHEDULE_DELAY: "50" },
    spans,
    waitFor: (what, wanted, count = 1) =>
      until(what, () => {
        const found = spans().filter(wanted);
        return found.length >= count && found;
      }),
  };
}

interface KeyValue {
  key: string;
  value: { stringValue?: string; intValue?: string; boolValue?: boolean; doubleValue?: number };
}

interface WireSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  links?: { traceId: string; spanId: string }[];
  status: { code?: number };
}

function spansIn(body: string): ReceivedSpan[] {
  const request = JSON.parse(body) as {
    resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: WireSpan[] }[] }[];
  };
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ startTimeUnixNano, endTimeUnixNano, attributes, links = [], status, ...span }) => ({
        ...span,
        startMs: Number(BigInt(startTimeUnixNano) / 1_000_000n),
        endMs: Number(BigInt(endTimeUnixNano) / 1_000_000n),
        attributes: valuesOf(attributes),
        links,
        isError: status.code === 2,
        resource: valuesOf(resource.attributes),
      })),
    ),
  );
}

function valuesOf(pairs: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map(({ key, value }) => {
      const { stringValue, intValue, boolValue, doubleValue } = value;
      return [key, stringValue ?? (intValue === undefined ? (boolValue ?? doubleValue) : Number(intValue))];
    }),
  );
}
