import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { startApp } from "../support/servers/app.js";

test.each([
  ["1", true],
  ["True", true],
  ["yes", true],
  ["0", false],
  ["OFF", false],
  ["no", false],
])("a variable that switches something on or off may be %s", (text, isOn) => {
  const env = { ENABLE_CIRCUIT_BREAKERS: text, ORCHESTRATOR_LEARNING_ENABLED: text };
  const { settings } = loadConfig({ flags: {}, env, cwd: temporaryDirectory() });
  expect([settings.circuit_breakers, settings.learning_enabled]).toEqual([isOn, isOn]);
});

describe("settings under the names of the founding documents", () => {
  test("are taken from variables, a health check's interval in seconds", () => {
    const env = {
      ORCHESTRATOR_MAX_CONCURRENT_TASKS: "15",
      ORCHESTRATOR_LEARNING_ENABLED: "false",
      AGENT_HEALTH_CHECK_INTERVAL: "90",
      MAX_CONCURRENT_WORKFLOWS: "50",
      ORCHESTRATOR_CONFLICT_RESOLUTION_TIMEOUT: "300",
      TASK_ASSIGNMENT_LATENCY_TARGET_MS: "1500",
      LOAD_BALANCING_EFFICIENCY_TARGET: "0.9",
    };
    const { settings, origins } = loadConfig({ flags: {}, env, cwd: temporaryDirectory() });
    expect(settings).toMatchObject({
      max_concurrent_tasks: 15,
      learning_enabled: false,
      session_ttl_ms: 90_000,
      max_concurrent_runs: 50,
      conflict_timeout_ms: 300_000,
      "targets.task_assignment_latency_ms": 1_500,
      "targets.load_balancing_efficiency": 0.9,
    });
    expect(origins["session_ttl_ms"]).toBe("environment AGENT_HEALTH_CHECK_INTERVAL");
  });

  test("are not taken from variables that other programs may have", () => {
    const env = { HEALTH_CHECK_INTERVAL: "30s", CONFLICT_RESOLUTION_STRATEGY: "ours" };
    const { settings } = loadConfig({ flags: {}, cwd: temporaryDirectory(), env });
    expect(settings).toMatchObject({ session_ttl_ms: 60_000, conflict_strategy: "adaptive" });
  });

  test("are refused at the start where sessions would end before they are renewed", () => {
    const load = (seconds: string) =>
      loadConfig({ flags: {}, cwd: temporaryDirectory(), env: { AGENT_HEALTH_CHECK_INTERVAL: seconds } });
    expect(() => load("5")).toThrow(
      "a session that lives 5000 ms, session_ttl_ms (environment AGENT_HEALTH_CHECK_INTERVAL), must be renewed sooner",
    );
    expect(load("30").settings.session_ttl_ms).toBe(30_000);
  });

  test("are configured in small letters too", async () => {
    const { call } = await startApp();
    const settings = { health_check_interval: 30, orchestrator_learning_enabled: false, MAX_CONCURRENT_WORKFLOWS: 30 };
    const { changed } = await call("configure", { settings });
    expect(Object.fromEntries(changed.map(({ name, to }) => [name, to]))).toEqual({
      session_ttl_ms: 30_000,
      learning_enabled: false,
      max_concurrent_runs: 30,
    });
    const unknown = call("configure", { settings: { toString: 1 } });
    await expect(unknown).rejects.toMatchObject({ code: "invalid_input" });
  });
});
