import type { ReactNode } from "react";
import { Shown } from "../../parts/shown.js";

/** The part of JSON Schema that forms of human steps have. */
interface Field {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: string | number | boolean;
}

interface Form {
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
}

/** A field for each property of the form that a human step asks to be filled in. */
export function AnswerFields({ form }: { readonly form: Form }): ReactNode {
  return Object.entries(form.properties ?? {}).map(([name, field]) => (
    <label key={name} className={field.type === "boolean" ? "check" : ""}>
      <span>
        <Shown text={field.title ?? name} />
        {form.required?.includes(name) !== true && <small> optional</small>}
      </span>
      <AnswerField name={name} field={field} isRequired={form.required?.includes(name) === true} />
      {field.description !== undefined && (
        <small>
          <Shown text={field.description} />
        </small>
      )}
    </label>
  ));
}

interface AnswerFieldProps {
  readonly name: string;
  readonly field: Field;
  readonly isRequired: boolean;
}

function AnswerField({ name, field, isRequired }: AnswerFieldProps): ReactNode {
  const shared = { name, required: isRequired };
  const given = field.default === undefined ? "" : String(field.default);
  if (field.enum !== undefined) {
    return (
      <select {...shared} defaultValue={given}>
        {!isRequired && <option value="" />}
        {field.enum.map((choice) => (
          <option key={String(choice)} value={String(choice)}>
            <Shown text={String(choice)} />
          </option>
        ))}
      </select>
    );
  }
  if (field.type === "boolean")
    return <input {...shared} required={false} type="checkbox" defaultChecked={field.default === true} />;
  if (field.type === "integer" || field.type === "number") {
    const step = field.type === "integer" ? 1 : "any";
    return <input {...shared} type="number" step={step} min={field.minimum} max={field.maximum} defaultValue={given} />;
  }
  return <textarea {...shared} rows={2} defaultValue={given} />;
}

/** The answers of a filled in form, each of its own type; fields left empty are left out. */
export function answersFrom(form: Form, filled: FormData): Record<string, unknown> {
  const entries = Object.entries(form.properties ?? {}).flatMap(([name, field]): [string, unknown][] => {
    if (field.type === "boolean") return [[name, filled.has(name)]];
    const text = filled.get(name);
    if (typeof text !== "string" || text === "") return [];
    return [[name, field.type === "integer" || field.type === "number" ? Number(text) : text]];
  });
  return Object.fromEntries(entries);
}
