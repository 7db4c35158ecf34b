import { escalationDay } from "../escalation-day.js";
import type { TestApp } from "../servers/app.js";
import { supervisionDay } from "../supervision-day.js";
import { accessDay } from "./access-day.js";
import { brokenDay } from "./broken-day.js";
import { conflictDay } from "./conflict-day.js";
import { contextDay } from "./context-day.js";
import { routingDay } from "./routing-day.js";
import { resourceDay } from "./resource-day.js";
import { reviewDay } from "./review-day.js";
import { scheduleDay } from "./schedule-day.js";

/** The day after the working day: questions, approvals, context windows, resources, reviews, load, an agent that keeps failing. */
export async function dayAfter(app: TestApp, project: string): Promise<void> {
  await escalationDay(app, project);
  await supervisionDay(app, project);
  await contextDay(app, project);
  await resourceDay(app, project);
  await reviewDay(app, project);
  await routingDay(app, project);
  await brokenDay(app, project);
  await conflictDay(app, project);
  await accessDay(app);
  await scheduleDay(app, project);
}
