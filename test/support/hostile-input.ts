import { PATHS, randomDefinition } from "./random-graph.js";
import type { Draw } from "./draw.js";

type Json = Readonly<Record<string, unknown>>;

/** What there is in the world that inputs speak of. */
export interface Known {
  readonly projects: readonly string[];
  readonly runs: readonly string[];
  readonly tasks: readonly string[];
  readonly agents: readonly string[];
  readonly workflows: readonly string[];
  readonly operations: readonly string[];
}

/** Makes inputs that a schema describes, of things that are mostly there, and spoils them. */
export class HostileInput {
  readonly #draw: Draw;
  readonly #known: Known;

  constructor(draw: Draw, known: Known) {
    this.#draw = draw;
    this.#known = known;
  }

  /** An object of the schema's properties, most of which make sense. */
  plausible(schema: Json): Record<string, unknown> {
    const properties = (schema["properties"] ?? {}) as Record<string, Json>;
    const required = new Set((schema["required"] ?? []) as string[]);
    const given: Record<string, unknown> = {};
    for (const [name, property] of Object.entries(properties)) {
      if (required.has(name) ? this.#draw.chance(0.97) : this.#draw.chance(0.35))
        given[name] = this.#named(name, property);
    }
    return given;
  }

  /** The same with a few values, keys or whole branches that nobody should send. */
  spoil(input: Record<string, unknown>): Record<string, unknown> {
    const draw = this.#draw;
    let spoilt = input;
    for (let times = draw.int(1, 3); times > 0; times--) {
      if (draw.chance(0.25)) spoilt = { ...spoilt, [draw.pick(KEYS)]: this.#monster() };
      else spoilt = this.#spoilPlace(spoilt, 0) as Record<string, unknown>;
    }
    return spoilt;
  }

  #spoilPlace(value: unknown, depth: number): unknown {
    const draw = this.#draw;
    if (depth > 0 && draw.chance(0.5)) return this.#monster();
    if (Array.isArray(value) && value.length > 0) {
      const at = draw.int(0, value.length - 1);
      return value.map((item: unknown, index) => (index === at ? this.#spoilPlace(item, depth + 1) : item));
    }
    if (typeof value !== "object" || value === null) return depth === 0 ? value : this.#monster();
    const key = draw.pick(Object.keys(value));
    if (key === undefined) return { [draw.pick(KEYS)]: this.#monster() };
    return { ...value, [key]: this.#spoilPlace((value as Json)[key], depth + 1) };
  }

  #monster(): unknown {
    return this.#draw.pick(MONSTERS)();
  }

  #named(name: string, schema: Json): unknown {
    const draw = this.#draw;
    const { projects, runs, tasks, agents, workflows, operations } = this.#known;
    switch (name) {
      case "project":
        return draw.pick(projects);
      case "run":
        return draw.pick(runs);
      case "task":
        return draw.pick(tasks);
      case "agent":
        return draw.pick(agents);
      case "workflow":
        return draw.pick(workflows);
      case "name":
        return draw.pick([...agents, ...workflows, ...operations, "fresh-name"]);
      case "token":
        return draw.int(0, 2);
      case "path":
        return draw.pick(PATHS);
      case "paths":
        return draw.some(PATHS, 0.3, 3);
      case "definition":
        return draw.chance(0.5) ? randomDefinition(draw, { sizeMax: 5 }) : { title: "One", prompt: "one" };
      case "dependencies":
        return draw.some(tasks, 0.2, 2);
      case "request_id":
        return `request-${draw.int(1, 40)}`;
      default:
        return this.#ofSchema(schema, 0);
    }
  }

  #ofSchema(schema: Json, depth: number): unknown {
    const draw = this.#draw;
    const alternatives = (schema["anyOf"] ?? schema["oneOf"]) as Json[] | undefined;
    if (alternatives && alternatives.length > 0) return this.#ofSchema(draw.pick(alternatives) ?? {}, depth);
    if (Array.isArray(schema["enum"])) return draw.pick(schema["enum"] as unknown[]);
    if ("const" in schema) return schema["const"];
    switch (schema["type"]) {
      case "string":
        return draw.pick(["some text", "normal", "20m", "2027-01-01T00:00:00Z", "a"]);
      case "integer":
      case "number":
        return draw.int(Number(schema["minimum"] ?? 0), Math.min(Number(schema["maximum"] ?? 100), 1_000_000));
      case "boolean":
        return draw.chance(0.5);
      case "array":
        return Array.from({ length: draw.int(0, 2) }, () => this.#ofSchema((schema["items"] ?? {}) as Json, depth + 1));
      case "object":
        return depth > 3 ? {} : this.plausible(schema);
      default:
        return draw.pick([null, 1, "anything", { deep: [true] }]);
    }
  }
}

const KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "",
  "agnet",
  "\u0000",
  "task_id",
  "definition.steps[0]",
] as const;

// oxfmt-ignore
const MONSTERS: readonly [() => unknown, ...(() => unknown)[]] = [
  () => null, () => undefined, () => true, () => Number.NaN, () => -1, () => 0.5, () => 1e308, () => 2 ** 53, () => -Infinity, () => 0,
  () => "", () => " ", () => "x".repeat(100_000), () => "\u0000\u0007\u001b[2J", () => "\u202eevil\u2066", () => "\ud800", () => "💥".repeat(300),
  () => "'; DROP TABLE tasks; --", () => "$1 %FOR_UPDATE% ${{ x }}", () => "../../etc/passwd", () => "/etc/passwd", () => "a/b/c", () => "**/**/**/{a,b}[!x]",
  () => "task_0000000000000000", () => "run_1/", () => "/", () => "NaN", () => "9".repeat(400), () => "human",
  () => [], () => ({}), () => [[[[]]]], () => Array.from({ length: 2_000 }, (_, at) => at), () => nested(150), () => nested(40),
  () => JSON.parse('{"__proto__": {"admin": true}, "constructor": {"prototype": {}}}') as unknown,
  () => ({ toString: "no", toJSON: 1 }), () => new Date(0), () => 10n, () => Symbol("no"), () => () => 1,
];

function nested(depth: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}
