import { expect, test } from "vitest";
import { BatonError } from "../../src/base/errors.js";
import { catalogue } from "../../src/tools/registry.js";
import { startApp } from "../support/servers/app.js";

type Input = Record<string, unknown>;
interface Property {
  readonly type?: string;
  readonly enum?: readonly unknown[];
}
interface Refusal {
  readonly call: string;
  readonly code: string;
  readonly message: string;
  readonly next: readonly unknown[];
}

const PRIVATE =
  /\b(?:burials?|buried|askers?|askings?|desks?|chores?|keepers?|upkeep|runs? within|nobody|somebody|whoever)\b/i;

/** Rules that a message breaks, by name. */
function brokenRules(message: string): string[] {
  const rules: Record<string, boolean> = {
    'write "is not a" or "There is no"': /(?<!\bthere )\bis no (?!longer\b|more\b)/i.test(message),
    "begin with the subject": /(?:^|[.!?]\s)(?:What|Whoever|Of a|One that|Those)\b(?![^.]*\?)/.test(message),
    "say it positively": /\bnone that\b/.test(message),
    "use the field's word": PRIVATE.test(message) || /(?<!dead )\bletters?\b(?!, digits)(?! or digit)/i.test(message),
    "end with one full stop": !/[^.!?:;,\s][.?]$/.test(message),
  };
  return Object.keys(rules).filter((rule) => rules[rule]);
}

function wrongValue({ type }: Property): unknown {
  return type === "object" ? "zz" : { zz: 1 };
}

function plausibleValue({ type, enum: choices }: Property): unknown {
  if (choices) return choices[0];
  if (type === "array") return ["zz"];
  if (type === "object") return {};
  return type === "integer" || type === "number" ? 1 : "zz";
}

/** Inputs of every kind that an operation refuses: an unknown key, a value of a wrong type, a missing one, ids of nothing. */
function badInputs(name: string): Input[] {
  const { properties = {}, required = [] } = catalogue.inputSchema(catalogue.require(name)) as {
    properties?: Record<string, Property>;
    required?: string[];
  };
  const wrong = Object.entries(properties).map(([key, property]) => ({ [key]: wrongValue(property) }));
  const missing = required.length > 0 ? [{}] : [];
  const references = ["run", "task", "project", "agent", "session", "cursor"].filter((key) => key in properties);
  const filled = Object.fromEntries(required.map((key) => [key, plausibleValue(properties[key] ?? {})]));
  const unknown =
    required.length > 0 ? [filled] : references.filter((key) => key !== "agent").map((key) => ({ [key]: "zz" }));
  return [{ zz: 1 }, ...wrong, ...missing, ...unknown];
}

async function refusalsOfAll(): Promise<Refusal[]> {
  const { call } = await startApp({ settings: { wait_max_ms: 1 } });
  const refusals: Refusal[] = [];
  for (const { name } of catalogue.all) {
    for (const input of badInputs(name)) {
      try {
        await call(name, input);
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        const { code, message, next } = error;
        refusals.push({ call: `${name} ${JSON.stringify(input)}`, code, message, next });
      }
    }
  }
  return refusals;
}

test("refusals of every operation follow the rules for sentences, and name the next call for what was not found", async () => {
  const refusals = await refusalsOfAll();
  const refusing = new Set(refusals.map(({ call }) => call.split(" ")[0]));
  expect(catalogue.all.map(({ name }) => name).filter((name) => !refusing.has(name))).toEqual([]);
  const broken = refusals.flatMap(({ call, message }) =>
    brokenRules(message).map((rule) => `${rule}: ${call}: ${message}`),
  );
  expect(broken).toEqual([]);
  const silent = refusals.filter(({ code, next }) => code === "not_found" && next.length === 0);
  expect(silent.map(({ call, message }) => `${call}: ${message}`)).toEqual([]);
});

test.each([
  ['"foo" is no setting.', 1],
  ["The cursor is none that this list has given.", 1],
  ["Whoever holds it is asked.", 2],
  ["There is no run zz.", 0],
  ["got 1..", 1],
  ["The letter is pending.", 1],
])("the rules bite: %s", (message, broken) => {
  expect(brokenRules(message)).toHaveLength(broken);
});
