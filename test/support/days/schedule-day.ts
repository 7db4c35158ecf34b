import type { TestApp } from "../servers/app.js";

/** A workflow that starts every night, at its time and by hand, is paused and goes on, and is scheduled no more. */
export async function scheduleDay({ call, advance }: TestApp, project: string): Promise<void> {
  await call("create_workflow", { project, definition: { name: "nightly", steps: [{ key: "a", prompt: "p" }] } });
  const nightly = { project, schedule: "nightly" };
  await call("schedule_workflow", {
    project,
    workflow: "nightly",
    cron: "* * * * *",
    timezone: "UTC",
    priority: "low",
  });
  await call("list_schedules", { project });
  await advance(60_000);
  await call("pause_schedule", nightly);
  await call("run_schedule", nightly);
  await call("pause_schedule", { ...nightly, paused: false });
  await call("delete_schedule", nightly);
}
