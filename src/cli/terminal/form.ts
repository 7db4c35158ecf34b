import { isObject } from "../../base/json.js";
import { jsonOrText } from "../operation-flags.js";

/** A field of a question's form, as a person is asked for it. */
export interface FormField {
  readonly name: string;
  readonly required: boolean;
  /** Words for its kind: `string`, `one of a, b`. */
  readonly kind: string;
  readonly description: string | undefined;
  /** Taken where nothing is typed. */
  readonly preset: unknown;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** Fields of a form in their order; undefined for a form that is no list of fields. */
export function fieldsOf(form: Readonly<Record<string, unknown>>): readonly FormField[] | undefined {
  const { properties, required } = form;
  if (!isObject(properties) || Object.keys(properties).length === 0) return undefined;
  const needed = new Set(Array.isArray(required) ? required : []);
  return Object.entries(properties).map(([name, given]) => {
    const schema = isObject(given) ? given : {};
    const { description, default: preset } = schema;
    return {
      name,
      required: needed.has(name) && preset === undefined,
      kind: kindOf(schema),
      description: typeof description === "string" ? description : undefined,
      preset,
      schema,
    };
  });
}

function kindOf({ enum: choices, type }: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(choices)) return `one of ${choices.map(String).join(", ")}`;
  if (type === "boolean") return "yes or no";
  return typeof type === "string" ? type : "JSON";
}

/** The line that asks for a field: `version (string, needed): `. */
export function promptOf({ name, kind, required, description, preset }: FormField): string {
  const facts = [kind, required ? "needed" : preset === undefined ? "optional" : `default ${JSON.stringify(preset)}`];
  const about = description === undefined ? "" : ` ${description}`;
  return `  ${name} (${facts.join(", ")})${about}: `;
}

/** A value as it was typed. Whether it fits, the operation says. */
export function valueOf(text: string, { schema }: Pick<FormField, "schema">): unknown {
  if (schema["type"] === "string") return text;
  if (schema["type"] === "boolean" && /^(?:y|yes)$/i.test(text)) return true;
  if (schema["type"] === "boolean" && /^(?:n|no)$/i.test(text)) return false;
  const choices = schema["enum"];
  if (Array.isArray(choices) && choices.includes(text)) return text;
  return jsonOrText(text);
}
