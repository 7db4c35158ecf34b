import { isObject } from "../../base/json.js";
import { microsOf } from "../../base/money.js";
import type { ExportedUsage, ExportSource } from "../../engine/cost/export-ledger.js";
import {
  amountIn,
  type OtlpAttributes,
  attributesIn,
  listIn,
  millisecondsOf,
  nanosecondsIn,
  textAt,
} from "./attributes.js";

/** Use of models that a request tells of, as Claude Code exports it; and how many of its records could not be read. */
export interface ReadExport {
  readonly usages: readonly ExportedUsage[];
  readonly unread: number;
}

type Amounts = ExportedUsage["amounts"];

const NOTHING: Amounts = { input: 0, output: 0, cached: 0, cacheWrite: 0, cost: 0 };
const TOKENS_MAX = 1_000_000_000_000;
const COST_MAX = 1_000_000;
const MODEL_CHARS_MAX = 200;
/** Usages that one request may tell of. */
const USAGES_MAX = 5_000;

const EVENT = "api_request";
const TOKENS_METRIC = "claude_code.token.usage";
const COST_METRIC = "claude_code.cost.usage";
const KINDS: Readonly<Record<string, keyof Amounts>> = {
  input: "input",
  output: "output",
  cacheRead: "cached",
  cacheCreation: "cacheWrite",
};

/** Reads the `api_request` events of an ExportLogsServiceRequest. Other records say nothing of usage. */
export function usagesInLogs(request: unknown): ReadExport {
  const reading = new Reading();
  for (const { resource, scope } of scopesIn(request, ["resourceLogs", "scopeLogs"]))
    for (const record of listIn(scope["logRecords"])) {
      if (!isObject(record)) continue;
      const own = attributesIn(record["attributes"]);
      const name = textAt(own, "event.name") ?? (isObject(record["body"]) ? record["body"]["stringValue"] : undefined);
      if (name !== EVENT && name !== `claude_code.${EVENT}`) continue;
      reading.add(() => usageOfEvent(record, merged(resource, own)));
    }
  return reading.result;
}

/** Reads the points of the two counters of usage of an ExportMetricsServiceRequest. */
export function usagesInMetrics(request: unknown): ReadExport {
  const reading = new Reading();
  for (const { resource, scope } of scopesIn(request, ["resourceMetrics", "scopeMetrics"]))
    for (const metric of listIn(scope["metrics"])) {
      if (!isObject(metric) || !isObject(metric["sum"])) continue;
      const { name, sum } = metric;
      if (name !== TOKENS_METRIC && name !== COST_METRIC) continue;
      for (const point of listIn(sum["dataPoints"]))
        reading.add(() => isObject(point) && usageOfPoint(point, { name, resource, temporality: temporalityOf(sum) }));
    }
  return reading.result;
}

class Reading {
  readonly #usages: ExportedUsage[] = [];
  #unread = 0;

  add(read: () => ExportedUsage | false | undefined): void {
    const usage = this.#usages.length < USAGES_MAX && read();
    if (usage) this.#usages.push(usage);
    else this.#unread += 1;
  }

  get result(): ReadExport {
    return { usages: this.#usages, unread: this.#unread };
  }
}

function scopesIn(request: unknown, [ofResources, ofScopes]: readonly [string, string]) {
  const resources = isObject(request) ? listIn(request[ofResources]) : [];
  return resources.filter(isObject).flatMap((entry) => {
    const resource = attributesIn(isObject(entry["resource"]) ? entry["resource"]["attributes"] : undefined);
    return listIn(entry[ofScopes])
      .filter(isObject)
      .map((scope) => ({ resource, scope }));
  });
}

/** An attribute of the record counts before that of the resource. */
function merged(resource: OtlpAttributes, own: OtlpAttributes): OtlpAttributes {
  return new Map([...resource, ...own]);
}

function usageOfEvent(
  record: Readonly<Record<string, unknown>>,
  attributes: OtlpAttributes,
): ExportedUsage | undefined {
  const time = nanosecondsIn(record["timeUnixNano"]) ?? nanosecondsIn(record["observedTimeUnixNano"]);
  const amounts = {
    input: tokensAt(attributes, "input_tokens"),
    output: tokensAt(attributes, "output_tokens"),
    cached: tokensAt(attributes, "cache_read_tokens"),
    cacheWrite: tokensAt(attributes, "cache_creation_tokens"),
    cost: costIn(attributes.get("cost_usd") ?? 0),
  };
  if (time === undefined || !areAmounts(amounts)) return undefined;
  const number = attributes.get("event.sequence");
  const id = textAt(attributes, "request_id") ?? `${time} ${String(number)}`;
  return usageOf(attributes, { amounts, from: time, at: time, source: { kind: "event", id } });
}

interface PointOf {
  readonly name: string;
  readonly resource: OtlpAttributes;
  readonly temporality: "delta" | "cumulative" | undefined;
}

function usageOfPoint(
  point: Readonly<Record<string, unknown>>,
  { name, resource, temporality }: PointOf,
): ExportedUsage | undefined {
  const attributes = merged(resource, attributesIn(point["attributes"]));
  const end = nanosecondsIn(point["timeUnixNano"]);
  const start = nanosecondsIn(point["startTimeUnixNano"]) ?? end;
  const isCost = name === COST_METRIC;
  const kind = isCost ? "cost" : KINDS[textAt(attributes, "type") ?? ""];
  const value = point["asDouble"] ?? point["asInt"];
  const amount = isCost ? costIn(value) : tokensIn(value);
  if (end === undefined || start === undefined || temporality === undefined) return undefined;
  if (kind === undefined || amount === undefined) return undefined;
  const pairs = [...attributes].map(([key, text]) => [key, String(text)] as const);
  const series = JSON.stringify([name, ...pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  const source: ExportSource = { kind: temporality, series, start, end };
  return usageOf(attributes, { amounts: { ...NOTHING, [kind]: amount }, from: start, at: end, source });
}

interface ToldUsage extends Pick<ExportedUsage, "amounts" | "source"> {
  readonly from: string;
  readonly at: string;
}

function usageOf(attributes: OtlpAttributes, { amounts, source, from, at }: ToldUsage): ExportedUsage | undefined {
  const session = textAt(attributes, "session.id");
  const model = textAt(attributes, "model")?.slice(0, MODEL_CHARS_MAX);
  if (session === undefined || model === undefined) return undefined;
  const agent = textAt(attributes, "baton.agent");
  return { session, agent, model, amounts, source, from: millisecondsOf(from), at: millisecondsOf(at) };
}

/** As a number, which JSON wants, or as the name. */
function temporalityOf({ aggregationTemporality: value }: Readonly<Record<string, unknown>>): PointOf["temporality"] {
  if (value === 1 || value === "AGGREGATION_TEMPORALITY_DELTA") return "delta";
  return value === 2 || value === "AGGREGATION_TEMPORALITY_CUMULATIVE" ? "cumulative" : undefined;
}

function tokensAt(attributes: OtlpAttributes, key: string): number | undefined {
  return tokensIn(attributes.get(key) ?? 0);
}

function tokensIn(value: unknown): number | undefined {
  const tokens = amountIn(value, TOKENS_MAX);
  return tokens === undefined ? undefined : Math.round(tokens);
}

function costIn(value: unknown): number | undefined {
  const dollars = amountIn(value, COST_MAX);
  return dollars === undefined ? undefined : microsOf(dollars);
}

function areAmounts(amounts: Readonly<Record<keyof Amounts, number | undefined>>): amounts is Amounts {
  return Object.values(amounts).every((amount) => amount !== undefined);
}
