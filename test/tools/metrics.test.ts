import { expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

test("get_metrics tells throughput, waits and shares by what happened, and what holds work up", async () => {
  const app = await startApp();
  const crew = new Crew(app);
  await app.call("create_project", { name: "demo" });
  const { run } = await crew.start(
    [
      { key: "a", role: "coder" },
      { key: "b", role: "coder", retry: { max_attempts: 1 } },
      { key: "c", role: "painter" },
    ],
    { project: "demo" },
  );
  await app.call("register_agent", { name: "ann", roles: ["coder"] });
  app.clock.advance(2_000);
  const first = await crew.take("ann", { run: run.id });
  app.clock.advance(1_000);
  await crew.complete(first);
  await crew.fail(await crew.take("ann", { run: run.id }));
  const metrics = await app.call("get_metrics");
  expect(metrics).toMatchObject({
    tasks: { succeeded: 1, failed: 1, success_rate: 0.5, duration: { count: 2, mean_ms: 500 } },
    orchestration_metrics: { task_assignment_latency_ms: 2_500, system_throughput_tasks_per_second: 0.003 },
    conflict_rate: 0,
    queues: { ready: 1, succeeded: 1, dead_letter: 1 },
    total_targets: 10,
    of_events: { count: 4 },
    sessions: { total: 0 },
    workflows: 0,
  });
  expect(Object.entries(metrics.resources!)).toContainEqual([expect.stringMatching(/^cpu@/), 0]);
  expect(metrics.bottlenecks).toEqual([expect.stringContaining("painter")]);
  const { text } = await app.call("get_metrics", { format: "prometheus" });
  expect(text).toContain('baton_queue_depth{queue="ready"} 1\n');
});
