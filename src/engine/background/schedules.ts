import { BatonError } from "../../base/errors.js";
import { dueSchedules } from "../../store/schedules/schedules.js";
import { type Engine, prepared } from "../engine.js";
import type { IsolatedJobs } from "./isolation.js";

/** Starts runs that are due by their schedules. Calendars are loaded where one is. */
export async function startScheduled(engine: Engine, jobs: IsolatedJobs): Promise<number> {
  const find = (limit: number) => engine.read((ctx) => dueSchedules(ctx.now, limit));
  return (await jobs.eachDue("schedule", { find }, (id) => startOne(engine, id))).sum;
}

async function startOne(engine: Engine, id: string): Promise<number> {
  const { prepareDue, recordFailure, startDue } = await import("../schedules/starting.js");
  const before = await prepared(engine, (ctx) => prepareDue(ctx, id));
  try {
    return Number(await engine.transact((ctx) => startDue(ctx, id, before)));
  } catch (error) {
    // Tried again later, as everything that meets a busy database.
    if (!(error instanceof BatonError) || error.code === "unavailable") throw error;
    await engine.transact((ctx) => recordFailure(ctx, id, error));
    return 1;
  }
}
