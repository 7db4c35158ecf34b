import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ForeignPlan, SourceFile } from "../../src/imports/foreign-plan.js";

export const SAMPLES = path.join(import.meta.dirname, "../data/imports");

/** The files of one sample, with paths as its repository has them. */
export function sample(folder: string, extension: string, encoding: "utf8" | "utf16le" = "utf8"): SourceFile[] {
  const root = path.join(SAMPLES, folder);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => ({ path: path.relative(root, file).replaceAll("\\", "/"), text: readFileSync(file, encoding) }));
}

/** A line a task and a line for all that no task was made of. */
export function summary(plans: readonly ForeignPlan[]): string {
  const lines = plans.flatMap((plan) => [
    `# ${plan.format} ${plan.source}: ${plan.title}`,
    ...plan.tasks.map((task) => {
      const facts = [
        task.needs.length > 0 && `after ${task.needs.join(" ")}`,
        task.parent !== undefined && `part of ${task.parent}`,
        task.priority,
        task.labels !== undefined && task.labels.length > 0 && `labels ${task.labels.join(", ")}`,
        task.assignee !== undefined && `assigned to ${task.assignee}`,
        task.files !== undefined && task.files.length > 0 && `files ${task.files.join(" ")}`,
        task.text !== "" && `${task.text.length} characters`,
      ].filter(Boolean);
      return `${task.ref} ${task.state}: ${task.title} [${facts.join("; ")}] ${task.place}`;
    }),
    ...plan.unmapped.map(({ place, what, why }) => `- ${place}: ${what}: ${why}`),
  ]);
  return `${lines.join("\n")}\n`;
}

export function taskOf(plans: readonly ForeignPlan[], ref: string): ForeignPlan["tasks"][number] {
  const task = plans.flatMap(({ tasks }) => tasks).find((one) => one.ref === ref);
  if (task === undefined) throw new Error(`no task ${ref}`);
  return task;
}

export function oneFile(name: string, text: string): SourceFile[] {
  return [{ path: name, text }];
}
