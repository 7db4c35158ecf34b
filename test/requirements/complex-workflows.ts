import { expect } from "vitest";
import type { Checks } from "./checks.js";

const step = (name: string, more: object = {}) => ({
  name,
  module: "baton",
  action: "agent",
  parameters: { prompt: name },
  ...more,
});

/** The document "Codomyrmex project orchestration": workflows of modules and actions. */
export const complexWorkflows: Checks = {
  "3.8 3.48 3.71 3.88 3.90": async ({ ask, crew }) => {
    const given = {
      name: "visual",
      steps: [step("setup"), step("analyze"), step("visualize")],
      dependencies: { analyze: ["setup"], visualize: ["analyze"] },
      parallel_groups: [["analyze", "visualize"]],
    };
    expect(await ask("create_complex_workflow", given)).toMatchObject({ created: true, workflow: { steps: 3 } });
    const done = await ask("execute_complex_workflow", given);
    const run = done["run"] as { id: string };
    expect(await crew.statuses(run.id)).toEqual({ setup: "ready", analyze: "pending", visualize: "pending" });
  },
  "3.10": async ({ ask, crew }) => {
    const steps = [step("a"), step("b", { dependencies: ["a"] })];
    const { run } = await ask("execute_complex_workflow", { steps });
    expect(await crew.statuses((run as { id: string }).id)).toEqual({ a: "ready", b: "pending" });
    const wrong = [step("a"), step("b", { dependencies: ["c"] })];
    await expect(ask("create_complex_workflow", { steps: wrong })).rejects.toThrow(/steps\[1\]\.dependencies\[0\]/);
  },
  "3.74 3.75": async ({ ask, call }) => {
    const { run } = await ask("execute_complex_workflow", { steps: [step("a", { timeout: 300, max_retries: 3 })] });
    const { spec } = await call("get_task", { task: `${(run as { id: string }).id}/a` });
    expect(spec).toMatchObject({ timeouts: { start_to_close: 300_000 }, retry: { max_attempts: 4 } });
  },
  "3.89": async ({ ask }) => {
    const steps = ["a", "b", "c", "d"].map((name) => step(name));
    const groups = [
      ["a", "b"],
      ["c", "d"],
    ];
    const made = await ask("create_complex_workflow", { steps, parallel_groups: groups });
    expect(made).toMatchObject({ warnings: [expect.stringContaining("one after another") as string] });
    const said = { steps, parallel_groups: [["a", "b"]] };
    expect(await ask("create_complex_workflow", said)).not.toHaveProperty("warnings");
  },
};
