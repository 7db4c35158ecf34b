import { z } from "zod";
import { closedObject } from "../../base/strict-object.js";
import { deadlineSchema, headSchema } from "../definitions/schema.js";
import { isName, NAME_RULE } from "../../base/names.js";
import { projectConfigSchema, withPresentKeys } from "../projects/config.js";

export const TEMPLATE_KINDS = ["project", "workflow"] as const;
export type TemplateKind = (typeof TEMPLATE_KINDS)[number];

const text = (max: number) => z.string().min(1).max(max);
const name = z.string().refine(isName, { error: `must be a name: ${NAME_RULE}` });

const milestone = closedObject({
  name,
  due: z
    .union([z.string(), z.number()])
    .refine((due) => deadlineSchema.safeParse(due).success, {
      error: 'must be a duration such as "14d", or an instant',
    })
    .optional(),
  workflows: z.array(name).max(50).optional(),
});

/** The keys of a template.yaml as people write it; which of them belong to which kind is said by `KEYS_OF`. */
export const manifestSchema = closedObject({
  kind: z.enum(TEMPLATE_KINDS),
  name: name.optional(),
  title: text(200),
  description: text(2_000),
  keywords: z.array(text(50)).max(100).optional(),
  inputs: headSchema.shape.inputs,
  config: z.preprocess(withPresentKeys, projectConfigSchema.partial()).optional(),
  milestones: z.array(milestone).max(100).optional(),
  verbatim: z.array(text(500)).max(100).optional(),
});
export type Manifest = z.output<typeof manifestSchema>;

/** Keys that say something only of one kind. */
export const KEYS_OF: Readonly<Record<TemplateKind, readonly (keyof Manifest)[]>> = {
  project: ["inputs", "config", "milestones", "verbatim"],
  workflow: ["keywords"],
};
