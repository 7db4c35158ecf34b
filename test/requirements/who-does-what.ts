import { expect } from "vitest";
import type { Checks } from "./checks.js";

const some = expect.any(Number) as number;

/** Rows of all documents on routing, learning, load, recovery, conflicts and resources, by the documents' own words. */
export const whoDoesWhat: Checks = {
  "0.14 0.106": async ({ ask, call, crew, start }) => {
    await call("register_agent", { name: "ann", specialization: { web_dev: 0.9 } });
    const analysed = async () => ask("analyze_agent_specialization", { agent_id: "ann" });
    const declared = await analysed();
    const run = await start(["a", "b", "c"].map((key) => ({ key, type: "web_dev", retry: { max_attempts: 1 } })));
    for (const _ of "abc") await crew.fail(await crew.take("ann", { run, agent: "ann" }), "broken");
    const corrected = await analysed();
    const valueOf = (answer: Awaited<ReturnType<typeof analysed>>) =>
      (answer["specialization_corrected"] as Record<string, { value: number; evidence: number }>)["web_dev"];
    expect(declared).toMatchObject({ specialization: { web_dev: 0.9 } });
    expect(valueOf(declared)).toMatchObject({ evidence: 0 });
    expect(corrected).toMatchObject({ specialization: { web_dev: 0.9 }, metrics: { failed: 3 } });
    expect(valueOf(corrected)?.evidence).toBeGreaterThan(2.9);
    expect(valueOf(corrected)?.value).toBeLessThan((valueOf(declared)?.value ?? 0) - 0.2);
  },
  "0.11": async ({ ask, call, crew, start }) => {
    const depths = { deep: 0.9, deeper: 0.8, shallow: 0.1, shallower: 0.2, "new-deep": 0.9, "new-shallow": 0.1 };
    for (const [name, analytical_depth] of Object.entries(depths))
      await call("register_agent", { name, persona: { analytical_depth } });
    const steps = Array.from({ length: 16 }, (_, at) => ({ key: `t${at}`, type: "audit", retry: { max_attempts: 1 } }));
    const run = await start(steps);
    for (let round = 0; round < 4; round++) {
      for (const agent of ["deep", "deeper"]) await crew.complete(await crew.take(agent, { run, agent }));
      for (const agent of ["shallow", "shallower"]) await crew.fail(await crew.take(agent, { run, agent }), "broken");
    }
    const next = await start(["audit", "draft"].map((type) => ({ key: type, type, analytical_depth: 0.9 })));
    const gapAt = async (key: string) => {
      const task = (await call("list_tasks", { run: next })).tasks.find((one) => one.key === key)?.id;
      const asked = { task, candidates: Object.keys(depths), strategy: "adaptive" };
      const { ranking } = (await ask("route_task", asked)) as { ranking: { agent: string; score: number }[] };
      const scoreOf = (name: string) => ranking.find(({ agent }) => agent === name)?.score ?? 0;
      return scoreOf("new-deep") - scoreOf("new-shallow");
    };
    expect(await gapAt("audit")).toBeGreaterThan(2 * (await gapAt("draft")));
  },
  "4.56": async ({ call, crew, start }) => {
    const run = await start([
      { key: "analysis", parallelizable: true },
      { key: "migration", parallelizable: false },
    ]);
    const analysis = await crew.take("ann", { run });
    expect(await call("claim_task", { agent: "ben", run })).toMatchObject({
      outcome: "none",
      reason: "run_at_capacity",
    });
    await crew.complete(analysis);
    expect(await crew.take("ben", { run })).toMatchObject({ key: "migration" });
  },
  "4.57": async ({ ask, call }) => {
    const typeOf = async (more: object) => {
      const { task } = await ask("create_task", { name: "t", prompt: "p", ...more });
      return (await call("get_task", { task: (task as { id: string }).id })).spec["type"];
    };
    expect(await typeOf({ task_type: "code_generation" })).toBe("code_generation");
    expect(await typeOf({ task_type: "CODE_ANALYSIS" })).toBe("CODE_ANALYSIS");
  },
  "0.37": async ({ ask }) => {
    expect(await ask("get_conflict_history")).toEqual({ conflicts: [] });
  },
  "0.47": async ({ ask, call }) => {
    await ask("configure", { settings: { conflict_resolution_strategy: "earliest_deadline" } });
    await ask("configure", { settings: { conflict_resolution_strategy: "adaptive" } });
    const { settings } = await call("get_configuration");
    expect(settings.find(({ name }) => name === "conflict_strategy")).toMatchObject({ value: "adaptive" });
  },
  "3.37": async ({ ask, call }) => {
    await call("register_agent", { name: "user123" });
    const requirements = { cpu: { cores: 1 }, memory: { gb: 0.1 } };
    expect(await ask("allocate_resources", { user: "user123", requirements })).toMatchObject({ outcome: "allocated" });
    await ask("deallocate_resources", { user: "user123" });
    const { resources } = await call("list_resources");
    expect(resources.flatMap(({ holders }) => holders)).toEqual([]);
  },
  "3.41 3.42 3.73": async ({ ask, call }) => {
    const limits = { max_concurrent_users: 1 };
    const custom = { id: "gpu_1", name: "GPU Resource", type: "gpu", capacity: { units: 1 }, limits };
    expect(await ask("add_resource", custom)).toMatchObject({ resource: custom });
    expect(await ask("add_resource", { ...custom, type: "GPU" })).toMatchObject({ resource: custom });
    const requirements = { gpu_1: { units: 1 } };
    for (const name of ["ann", "ben"]) await call("register_agent", { name });
    expect(await ask("allocate_resources", { agent_id: "ann", requirements })).toMatchObject({ outcome: "allocated" });
    expect(await ask("allocate_resources", { agent_id: "ben", requirements })).toMatchObject({
      outcome: "refused",
      missing: [
        { resource: "gpu_1", held_by: ["ann"], free: 0 },
        { resource: "gpu_1", detail: expect.stringContaining("max_concurrent_users") as string },
      ],
    });
  },
  "4.12": async ({ ask, call }) => {
    await ask("configure", { settings: { enable_circuit_breakers: false } });
    const { settings } = await call("get_configuration");
    expect(settings.find(({ name }) => name === "circuit_breakers")).toMatchObject({ value: false });
  },
  "4.71": async ({ ask }) => {
    expect(await ask("optimize_load_distribution")).toMatchObject({ moves: [] });
  },
  "4.133": async ({ ask, start }) => {
    await start([{ key: "a", role: "painter" }]);
    expect(await ask("check_persona_coverage")).toMatchObject({
      unserved: [{ ready: 1, wants: expect.stringContaining("painter") as string }],
    });
  },
  "4.68": async ({ ask, call }) => {
    await call("register_agent", { name: "failed-agent-123" });
    const event = { failure_type: "AGENT_UNRESPONSIVE", severity: "HIGH", agent_id: "failed-agent-123" };
    expect(await ask("handle_failure", event)).toMatchObject({
      failure: { type: "agent_unresponsive" },
      actions: [{ action: "breaker_counted" }],
    });
  },
  "4.72": async ({ ask, call }) => {
    await call("register_agent", { name: "ann" });
    await ask("report_failure", { type: "agent_crashed", severity: "high", agent: "ann" });
    expect(await ask("get_circuit_breaker_status", { target: "ann" })).toMatchObject({
      breakers: [{ target: "agent:ann", state: "closed" }],
    });
  },
  "4.73": async ({ ask, held }) => {
    await held();
    expect(await ask("predict_failures", { agent_id: "ann" })).toMatchObject({
      predictions: [{ agent: "ann", probability: some }],
    });
  },
};
