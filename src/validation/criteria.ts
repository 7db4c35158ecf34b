import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { unlessCode } from "../base/errors.js";
import { PACKAGE_ROOT } from "../runtime/package-root.js";
import type { CheckResult, ValidationSubject } from "./issue.js";

const listSchema = z.strictObject({
  type: z.string(),
  criteria: z.array(
    z.strictObject({
      key: z.string(),
      question: z.string(),
      /** For each topic, beginnings of words that name it. */
      topics: z.record(z.string(), z.array(z.string()).min(1)).optional(),
    }),
  ),
});
export type Criterion = z.output<typeof listSchema>["criteria"][number];

const TYPE = /^[a-z_]{1,40}$/;

/** Reads the criteria of a type from its file in criteria/; none for a type without one. */
export async function criteriaOf(type: string): Promise<readonly Criterion[]> {
  if (!TYPE.test(type)) return [];
  const text = await unlessCode(readFile(path.join(PACKAGE_ROOT, "criteria", `${type}.json`), "utf8"), "ENOENT");
  return text === undefined ? [] : listSchema.parse(JSON.parse(text)).criteria;
}

/** Finds topics of the criteria that a document never names. */
export function checkTopics({ text }: Pick<ValidationSubject, "text">, criteria: readonly Criterion[]): CheckResult {
  const words = text.toLowerCase();
  const issues = criteria.flatMap(({ key, topics = {} }) =>
    Object.entries(topics)
      .filter(([, beginnings]) => !beginnings.some((beginning) => words.includes(beginning)))
      .map(([topic]) => ({
        check: "topics",
        severity: "minor" as const,
        where: key,
        message: `Nothing is said of ${topic}.`,
        suggestion: "Add it, or say that it does not apply and why.",
      })),
  );
  return { issues };
}
