import { z } from "zod";
import { storableText } from "../base/texts/stored-values.js";
import { isRemovable } from "../engine/imports/imports.js";
import { openNeeds, type Outlook } from "../engine/imports/outlook.js";
import { isLive } from "../engine/imports/planned-tasks.js";

/** Keys of needs that a task to be made names. */
const NEEDS_SHOWN_MAX = 50;
const WORDS_CHARS_MAX = 200;

const line = z.object({ key: z.string(), title: z.string() });

/** A plan of another tool, and what importing it does or would do. */
export const planShape = z.object({
  format: z.string(),
  source: z.string(),
  title: z.string(),
  applied: z.boolean(),
  run: z.object({ id: z.string(), name: z.string(), status: z.string() }).optional(),
  ended_run: z.string().optional(),
  counts: z.object({
    create: z.int(),
    ready: z.int(),
    dependencies: z.int(),
    update: z.int(),
    complete: z.int(),
    gone: z.int(),
    left: z.int(),
    unchanged: z.int(),
    done: z.int(),
    started: z.int(),
    dropped: z.int(),
    unmapped: z.int(),
  }),
  create: z.array(line.extend({ ref: z.string(), needs: z.array(z.string()).optional() })),
  update: z.array(line),
  complete: z.array(line),
  gone: z.array(line.extend({ status: z.string(), removable: z.boolean() })),
  left: z.array(line.extend({ why: z.string() })),
  unmapped: z.array(z.object({ place: z.string(), what: z.string(), why: z.string() })),
});

export interface ImportOutcome {
  readonly applied: boolean;
  readonly run: Outlook["run"];
  /** Items of each list. */
  readonly limit: number;
}

/** The outcome as data; lists are cut, `counts` count all. */
export function planOutcome(outlook: Outlook, { applied, run, limit }: ImportOutcome): z.output<typeof planShape> {
  const { plan, planned, created, updated, settled, gone, left, ended } = outlook;
  const all = [...planned.tasks.values()];
  const needs = created.map((task) => openNeeds(outlook, task));
  return {
    format: plan.format,
    source: words(plan.source),
    title: words(plan.title),
    applied,
    ...(run && { run: { id: run.id, name: run.name, status: run.status } }),
    ...(ended && { ended_run: ended.id }),
    counts: {
      create: created.length,
      ready: needs.filter((own) => own.length === 0).length,
      dependencies: needs.reduce((sum, own) => sum + own.length, 0),
      update: updated.length,
      complete: settled.length,
      gone: gone.length,
      left: left.length,
      unchanged: outlook.unchanged,
      done: all.filter(({ state }) => state === "done").length,
      started: all.filter((task) => isLive(task) && task.state === "started").length,
      dropped: all.filter(({ state }) => state === "dropped").length,
      unmapped: planned.unmapped.length,
    },
    create: created.slice(0, limit).map(({ ref, key, title }, at) => ({
      key,
      title,
      ref: words(ref),
      ...(needs[at]?.length === 0 ? {} : { needs: (needs[at] ?? []).slice(0, NEEDS_SHOWN_MAX) }),
    })),
    update: updated.slice(0, limit).map(({ planned: { key, title } }) => ({ key, title })),
    complete: settled.slice(0, limit).map(({ task: { key, title } }) => ({ key, title })),
    gone: gone.slice(0, limit).map((task) => {
      const { key, title, status } = task;
      return { key, title, status, removable: isRemovable(task) };
    }),
    left: left.slice(0, limit).map((one) => ({ ...one })),
    unmapped: planned.unmapped
      .slice(0, limit)
      .map(({ place, what, why }) => ({ place: words(place), what: words(what), why: words(why) })),
  };
}

/** A text of a plan, as much of it as an answer shows. */
function words(text: string): string {
  return storableText(text.slice(0, WORDS_CHARS_MAX));
}
