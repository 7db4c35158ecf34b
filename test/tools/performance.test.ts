import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { ResultOf } from "../../src/tools/registry.js";
import { BACKENDS, temporaryDirectory } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestAppOptions } from "../support/servers/app.js";

type Validation = ResultOf<"validate_performance">;

const person = { channel: "human", agent: "person" } as const;
const small = { agents: 3, tasks: 30, concurrency: 2 } as const;
const brief = { ...small, duration_seconds: 1 };

function figure({ measurements }: Validation, name: string, set_by = `targets.${name}`) {
  return measurements.find((one) => one.name === name && one.set_by === set_by);
}

describe.each(BACKENDS)("validate_performance on %s", (backend) => {
  const start = (options: TestAppOptions = {}) => startAppOn(backend, { ...person, ...options });

  test("takes the completion of workflows from recorded runs, where some have ended", async () => {
    const crew = new Crew(await start());
    const { call } = crew.app;
    for (const key of ["good", "bad", "dropped"]) {
      const { run } = await crew.start([{ key }]);
      if (key === "dropped") await call("control_run", { run: run.id, action: "cancel" });
      else {
        const held = await crew.take("ann", { run: run.id });
        if (key === "good") await crew.complete(held);
        else
          await call("fail_task", {
            task: held.id,
            token: held.token,
            error: { type: "no", message: "no" },
            retryable: false,
          });
      }
    }
    const validation = await call("validate_performance", brief);
    expect(figure(validation, "workflow_completion_rate")).toMatchObject({
      value: 0.5,
      met: false,
      source: "history",
      sample: 2,
    });
  });

  test("leaves the shared database, and the temporary directory, as they were", async () => {
    const { call } = await start();
    // Other tests make trials in the system's own.
    vi.stubEnv("TMPDIR", temporaryDirectory());
    onTestFinished(() => void vi.unstubAllEnvs());
    const trials = () => readdirSync(tmpdir()).filter((name) => name.startsWith("baton-trial-"));
    const [before, there] = [await call("get_system_status", {}), trials()];
    await call("validate_performance", brief);
    const { process: _, ...after } = await call("get_system_status", {});
    expect(before).toMatchObject(after);
    expect(trials().filter((name) => !there.includes(name))).toEqual([]);
  });
});

describe("validate_performance", () => {
  const start = (options: TestAppOptions = {}) => startApp({ ...person, ...options });

  test("holds each figure against the documents' targets, which can be set, and Baton's own floors", async () => {
    const quick = { session_grace_ms: 1_000, session_ttl_ms: 8_000, session_renew_ms: 1_000 };
    const { call } = await start({ settings: quick, env: { RECOVERY_TIME_TARGET_MS: "5000" } });
    await call("configure", { settings: { "targets.throughput_per_second": 1_000_000 } });
    const validation = await call("validate_performance", { ...small, duration_seconds: 60 });
    expect(
      validation.measurements.map(({ name, at, target, set_by, source }) => [name, at, target, set_by, source]),
    ).toEqual([
      ["task_assignment_latency_ms", "most", 2_000, "targets.task_assignment_latency_ms", "measured"],
      ["load_balancing_efficiency", "least", 0.85, "targets.load_balancing_efficiency", "measured"],
      ["routing_accuracy", "least", 0.95, "targets.routing_accuracy", "measured"],
      ["recovery_time_ms", "most", 5_000, "targets.recovery_time_ms", "measured"],
      ["workflow_completion_rate", "least", 0.999, "targets.workflow_completion_rate", "measured"],
      ["throughput_per_second", "least", 1_000_000, "targets.throughput_per_second", "measured"],
      ["task_assignment_p99_ms", "most", 50, "own floor", "measured"],
      ["throughput_per_second", "least", 500, "own floor", "measured"],
      ["process_recovery_ms", "most", 15_000, "own floor", "measured"],
      ["load_balancing_efficiency", "least", 0.92, "own floor", "measured"],
    ]);
    expect(figure(validation, "task_assignment_latency_ms")).toMatchObject({ met: true, sample: 30 });
    expect(figure(validation, "routing_accuracy")?.value).toBeGreaterThan(0.9);
    expect(figure(validation, "routing_accuracy")).toMatchObject({ strategy: "performance" });
    expect(figure(validation, "recovery_time_ms")).toMatchObject({ met: false });
    expect(figure(validation, "throughput_per_second")).toMatchObject({ met: false });
    // A pass of the background work sees the end of a process, and one after the grace gives its task back.
    expect(figure(validation, "process_recovery_ms", "own floor")?.value).toBeGreaterThan(1_000);
    expect(figure(validation, "process_recovery_ms", "own floor")?.value).toBeLessThanOrEqual(3_000);
    expect(figure(validation, "recovery_time_ms")?.value).toBeGreaterThan(7_000);
    expect(figure(validation, "recovery_time_ms")?.value).toBeLessThanOrEqual(9_000);
    const met = validation.measurements.filter((one) => one.met).length;
    expect(validation).toMatchObject({ profile: "quick", ...small, total_targets: 10, targets_met: met });
    expect(validation.performance_score).toBe(10 * met);
  }, 120_000);

  test("says what its time did not suffice for, and counts it as not met", async () => {
    const { call } = await start();
    const validation = await call("validate_performance", { ...brief, profile: "heavy" });
    expect(figure(validation, "routing_accuracy")).toMatchObject({
      value: null,
      met: false,
      source: "none",
      sample: 0,
    });
  });

  test("is for a person: an agent is refused", async () => {
    const { call } = await startApp();
    await expect(call("validate_performance", {})).rejects.toMatchObject({ code: "not_permitted" });
  });

  test("runs once at a time in a process", async () => {
    const { call } = await start();
    const first = call("validate_performance", brief);
    await expect(call("validate_performance", small)).rejects.toMatchObject({ code: "conflict" });
    await first;
  });

  test("ends when its caller gives up", async () => {
    const { dispatch } = await start();
    const validation = await dispatch.call("validate_performance", small, { signal: AbortSignal.abort() });
    expect(validation.result).toMatchObject({ targets_met: 0 });
  });
});
