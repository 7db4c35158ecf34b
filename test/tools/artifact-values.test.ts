import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

const COVERED = (hit: number) => `SF:a.ts\nLF:100\nLH:${hit}\n${lines(hit)}end_of_record\n`;

function lines(hit: number): string {
  return Array.from({ length: 100 }, (_, i) => `DA:${i + 1},${i < hit ? 1 : 0}\n`).join("");
}

describe.each(BACKENDS)("an artifact in an expression on %s", (backend) => {
  async function started(...steps: ({ key: string } & Record<string, unknown>)[]) {
    const app = await startAppOn(backend, { channel: "human" });
    const crew = new Crew(app);
    await app.call("create_project", { name: "demo" });
    const { run } = await crew.start([{ key: "make" }, ...steps], { project: "demo" });
    const held = await crew.take("ann", { run: run.id });
    const put = async (name: string, content: string) =>
      (await app.call("put_artifact", { agent: "ann", task: held.id, name, content })).artifact;
    const results = async () => {
      const { tasks } = await app.call("list_tasks", { run: run.id });
      return Object.fromEntries(tasks.map(({ key, status }) => [key, status]));
    };
    return { app, crew, run: run.id, held, put, results, complete: () => crew.complete(held) };
  }

  const gate = (check: string) => ({ key: "gate", kind: "gate", needs: ["make"], checks: [check] });

  test("lets a condition read the coverage that its last validation found", async () => {
    const low = 'artifact["coverage.info"].figures.line_coverage < 80';
    const { app, put, results, complete } = await started(
      { key: "more-tests", needs: ["make"], if: low },
      { key: "release", needs: ["make"], if: `!(${low})` },
    );
    const first = await put("coverage.info", COVERED(60));
    await app.call("validate_artifact", { artifact: first.id });
    const second = await put("coverage.info", COVERED(90));
    await app.call("validate_artifact", { artifact: second.id });
    await complete();
    expect(await results()).toMatchObject({ "more-tests": "skipped", release: "ready" });
  });

  test("passes a gate by the verdict of its newest version alone, which stays with it", async () => {
    const { app, put, results, complete } = await started(
      gate('artifact["a.json"].passed && artifact["a.json"].version == 2'),
    );
    const broken = await put("a.json", "{");
    expect(await app.call("validate_artifact", { artifact: broken.id })).toMatchObject({ passed: false });
    const mended = await put("a.json", "{}");
    // Some checks alone are no verdict.
    await app.call("validate_artifact", { artifact: mended.id, criteria: ["secrets"] });
    expect((await app.call("get_artifact", { artifact: mended.id })).artifact).not.toHaveProperty("verdict");
    await app.call("validate_artifact", { artifact: mended.id });
    expect((await app.call("get_artifact", { artifact: broken.id })).artifact.verdict).toBe("critical");
    expect((await app.call("get_artifact", { artifact: mended.id })).artifact.verdict).toBe("passed");
    await complete();
    expect(await results()).toMatchObject({ gate: "succeeded" });
  });

  test("holds a gate up until every role that was asked has approved its newest version", async () => {
    const keys = ["none", "one", "two", "newer"];
    const waits = keys.map((key) => ({ key: `at-${key}`, kind: "human", ask: "?", needs: ["make"] }));
    const steps = keys.map((key) => ({ ...gate('artifact["design.md"].approved'), key, needs: [`at-${key}`] }));
    const { app, put, results, complete, run } = await started(...waits, ...steps);
    await put("design.md", "# One");
    await complete();
    const { escalations } = await app.call("list_escalations", { run });
    const pass = async (key: string) => {
      const { id } = escalations.find(({ task }) => task?.key === `at-${key}`)!;
      await app.call("decide_escalation", { id, decision: "approved" });
      return (await results())[key];
    };
    const approve = async (approver_role: string) => {
      const asked = await app.call("request_approval", { agent: "ann", run, artifact: "design.md", approver_role });
      return () => app.call("decide_approval", { approval: asked.approval.id, decision: "approved" });
    };
    expect(await pass("none")).toBe("dead_letter");
    const [tech, security] = [await approve("tech_lead"), await approve("security_reviewer")];
    await tech();
    expect(await pass("one")).toBe("dead_letter");
    await security();
    expect(await pass("two")).toBe("succeeded");
    await app.call("put_artifact", { agent: "ann", run, name: "design.md", content: "# Two" });
    expect(await pass("newer")).toBe("dead_letter");
  });

  test("is known by its type, size and version, and one that does not exist fails no expression", async () => {
    const check =
      '!artifact.nothing.exists && !artifact.nothing.passed && artifact.nothing.version == 0 && artifact["a.md"].exists && artifact["a.md"].type == "markdown" && artifact["a.md"].bytes == 3 && !artifact["a.md"].validated';
    const { put, results, complete } = await started(gate(check));
    await put("a.md", "# A");
    await complete();
    expect(await results()).toMatchObject({ gate: "succeeded" });
  });

  test("is refused without a name, and with an unknown field, before a run starts", async () => {
    const { app } = await started();
    for (const [check, message] of [
      ["size(artifact) > 0", 'artifact is read by name: artifact["design.md"].passed'],
      ['artifact["a.md"].pased', 'unknown field "pased"'],
      ['artifacts["a.md"].passed', 'write artifact["design.md"]'],
    ] as const) {
      const definition = {
        name: "x",
        steps: [
          { key: "a", prompt: "p" },
          { ...gate(check), needs: ["a"] },
        ],
      };
      await expect(app.call("execute_workflow", { project: "demo", definition })).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining(message),
      });
    }
  });

  test("survives a change of the run that takes other steps away", async () => {
    const { app, put, results, complete, run } = await started({ key: "extra" }, gate("artifact.a.exists"));
    await put("a", "1");
    await app.call("modify_run", { run, changes: [{ op: "remove_task", task: "extra" }] });
    await complete();
    expect(await results()).toMatchObject({ gate: "succeeded" });
  });
});
