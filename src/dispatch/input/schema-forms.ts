import type { z } from "zod";

// The core's own union of every definition there is: a type's `def` is known to be one of them.
export type Form = z.core.$ZodTypes["_zod"]["def"];

/** The forms that a schema takes, through optional, default, union and the other wrappers around them. */
export function formsOf(schema: z.core.$ZodType): Form[] {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "readonly":
    case "nonoptional":
    case "catch":
      return formsOf(def.innerType);
    case "union":
      return def.options.flatMap(formsOf);
    case "pipe":
      return formsOf(def.in);
    case "lazy":
      return formsOf(def.getter());
    default:
      return [def];
  }
}

/** The schemas that a form has for its part of this name. */
export function partOf(form: Form, part: PropertyKey): z.core.$ZodType[] {
  if (form.type === "object") {
    const found = Object.hasOwn(form.shape, part) ? form.shape[String(part)] : undefined;
    return found === undefined ? [] : [found];
  }
  if (form.type === "array") return [form.element];
  return form.type === "record" ? [form.valueType] : [];
}

/** The keys that the schema knows at a path of the input. */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const found = path.reduce<z.core.$ZodType[]>(
    (schemas, part) => schemas.flatMap((inner) => formsOf(inner).flatMap((form) => partOf(form, part))),
    [schema],
  );
  const keys = found.flatMap(formsOf).flatMap((form) => ("shape" in form ? Object.keys(form.shape) : []));
  return [...new Set(keys)];
}
