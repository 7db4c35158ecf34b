import { describe, expect, test } from "vitest";
import { connectClient, type TestClient } from "../support/servers/client.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";

const STEPS = [
  { key: "design", prompt: "Design it.", files: { write: ["docs/a.md"] }, retry: { max_attempts: 1 } },
  { key: "build", prompt: "Build it.", needs: ["design"] },
];

async function read({ client }: TestClient, uri: string): Promise<Record<string, unknown>> {
  const { contents } = await client.readResource({ uri });
  expect(contents).toHaveLength(1);
  expect(contents[0]).toMatchObject({ uri });
  return JSON.parse((contents[0] as { text: string }).text) as Record<string, unknown>;
}

async function startRun(planner: TestClient, name = "ship") {
  await planner.call("create_project", { name: "p" });
  return (await planner.call("execute_workflow", { project: "p", definition: { name, steps: STEPS } })).run.id;
}

const completions = async ({ client }: TestClient, uri: string, value: string) =>
  (await client.complete({ ref: { type: "ref/resource", uri }, argument: { name: "id", value } })).completion;

describe("the list of resources", () => {
  test("stands without a database, and says what each is", async () => {
    const { client, server } = await connectClient({ database: "/nowhere/at/all/baton.db" });
    expect(client.getServerCapabilities()).toMatchObject({
      resources: { subscribe: true },
      prompts: {},
      completions: {},
    });
    const { resources } = await client.listResources();
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resources.map(({ uri }) => uri)).toEqual([
      "baton://status",
      "baton://projects",
      "baton://runs",
      "baton://agents",
      "baton://locks",
      "baton://dead-letters",
      "baton://escalations",
      "baton://costs",
      "baton://reviews",
      "baton://schemas/workflow",
    ]);
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      "baton://projects/{id}",
      "baton://runs/{id}",
      "baton://runs/{id}/graph",
      "baton://runs/{id}/events",
      "baton://runs/{id}/checkpoints",
      "baton://tasks/{id}",
      "baton://briefs/{id}",
      "baton://messages/{id}",
      "baton://artifacts/{id}",
    ]);
    for (const { name, title, description, mimeType } of [...resources, ...resourceTemplates]) {
      expect(name).toMatch(/^[a-z-]+$/);
      expect(title).toBeTruthy();
      expect(mimeType).toMatch(/^(application\/(schema\+)?json|text\/(plain|vnd\.mermaid))$/);
      expect(description?.split(/\s+/).length).toBeLessThanOrEqual(60);
    }
    expect(server.stderr()).toBe("");
  });
});

describe.each(BACKENDS)("reading on %s", (backend) => {
  const connect = async () => connectClient({ database: (await createDatabase(backend)).location });

  test("every resource of a run under way, in the operations' shapes", async () => {
    const worker = await connect();
    const run = await startRun(worker);
    const claimed = await worker.call("claim_task", { project: "p" });
    const task = claimed.task!.id;

    const { projects } = await read(worker, "baton://projects");
    expect({ projects }).toEqual(await worker.query("list_projects"));
    expect(projects).toMatchObject([{ name: "p", active_runs: 1, runs: 1 }]);
    const project = await read(worker, "baton://projects/p");
    expect(project).toMatchObject({ project: { name: "p" }, active_runs: [{ id: run }], locks: { held: 1 } });
    expect(project).toEqual(await read(worker, `baton://projects/${(project["project"] as { id: string }).id}`));

    expect(await read(worker, "baton://runs")).toMatchObject({ runs: [{ id: run, status: "running" }] });
    const whole = await read(worker, `baton://runs/${run}`);
    expect(whole).toMatchObject(await worker.call("get_run", { run }));
    expect(whole).toMatchObject({ running: [{ key: "design" }], failures: [] });
    expect(await read(worker, `baton://runs/${run}/events`)).toMatchObject({
      events: expect.arrayContaining([expect.objectContaining({ type: "task.claimed", task })]),
    });
    const kept = await worker.perform("create_checkpoint", { run, label: "mine" });
    expect(await read(worker, `baton://runs/${run}/checkpoints`)).toMatchObject({
      checkpoints: [{ ...kept.checkpoint, since: { tasks_added: 0, counts: {} } }],
    });
    const graph = await worker.client.readResource({ uri: `baton://runs/${run}/graph` });
    expect(graph.contents[0]).toMatchObject({ mimeType: "text/vnd.mermaid", text: expect.stringContaining("design") });

    expect(await read(worker, "baton://agents")).toMatchObject({ agents: [{ running: 1, available: false }] });
    expect(await read(worker, "baton://locks")).toMatchObject({ locks: [{ path: "docs/a.md", task, state: "held" }] });
    expect(await read(worker, "baton://status")).toMatchObject({
      tasks: { running: 1, pending: 1 },
      database: { backend },
    });
  });

  test("a task with its whole result, which its dependents' briefs cut", async () => {
    const worker = await connect();
    const run = await startRun(worker);
    const first = await worker.call("claim_task", { project: "p" });
    const design = first.task!.id;
    const result = { text: "é".repeat(20_000) };
    const { token } = first.lease!;
    await worker.call("complete_task", { task: design, token, result });

    const { task } = await worker.call("claim_task", { project: "p" });
    const [dependency] = task!.dependencies;
    expect(dependency).toMatchObject({ truncated: true, resource: `baton://tasks/${design}` });
    expect(await read(worker, dependency!.resource!)).toMatchObject({
      task: { id: design, status: "succeeded" },
      result,
      attempts: [{ number: 1, outcome: "succeeded" }],
    });
    const byKey = await read(worker, `baton://tasks/${encodeURIComponent(`${run}/build`)}`);
    expect(byKey).toMatchObject({ task: { key: "build" }, result: null, depends_on: [{ id: design }] });
  });

  test("notes and errors of failed attempts", async () => {
    const worker = await connect();
    const run = await startRun(worker);
    const claimed = await worker.call("claim_task", { project: "p" });
    const { token } = claimed.lease!;
    expect(JSON.stringify(await read(worker, `baton://tasks/${claimed.task!.id}`))).not.toContain("token");
    const error = { type: "broken", message: "No paper." };
    await worker.call("fail_task", { task: claimed.task!.id, token, error, partial_result: { half: 1 } });
    expect(await read(worker, `baton://tasks/${claimed.task!.id}`)).toMatchObject({
      task: { status: "dead_letter" },
      result: { half: 1 },
      attempts: [{ outcome: "failed", error }],
    });
    expect(await read(worker, `baton://runs/${run}`)).toMatchObject({
      dead_letter: [{ task: { key: "design" } }],
      failures: [{ task: { key: "design" }, attempts: [{ error }] }],
    });
  });

  test("values for the variables: by id or name, newest first, a hundred at most", async () => {
    const planner = await connect();
    await planner.call("create_project", { name: "p" });
    const runs: string[] = [];
    for (const name of ["alpha", "beta", "Alpine"]) {
      const started = await planner.call("execute_workflow", { project: "p", definition: { name, steps: STEPS } });
      runs.push(started.run.id);
    }
    const of = async (uri: string, value: string) => (await completions(planner, uri, value)).values;
    expect(await of("baton://runs/{id}", "")).toEqual(runs.toReversed());
    expect(await of("baton://runs/{id}", "al")).toEqual([runs[2], runs[0]]);
    expect(await of("baton://runs/{id}/graph", runs[1]!)).toEqual([runs[1]]);
    expect(await of("baton://runs/{id}/events", "zzz")).toEqual([]);
    expect(await of("baton://projects/{id}", "")).toEqual([expect.stringMatching(/^p$/)]);
    expect(await of("baton://tasks/{id}", "desi")).toHaveLength(3);

    const steps = Array.from({ length: 120 }, (_, index) => ({ key: `s${index}`, prompt: "Do it." }));
    await planner.call("execute_workflow", { project: "p", definition: { name: "wide", steps } });
    expect(await completions(planner, "baton://tasks/{id}", "s")).toMatchObject({ hasMore: true });
    expect(await of("baton://tasks/{id}", "task_")).toHaveLength(100);
  });
});

describe("resources that do not exist", () => {
  test("is said not to be, by reading and by subscribing", async () => {
    const { client } = await connectClient();
    for (const [uri, sentence] of [
      ["baton://runs/run_0000000000000000", "There is no run run_0000000000000000."],
      ["baton://run", 'Unknown resource "baton://run" (did you mean "baton://runs"?).'],
      ["baton://runs/", 'Unknown resource "baton://runs/"'],
      ["baton://runs/%E0%A4%A/graph", "Unknown resource"],
      ["baton://runs/a/b/graph", "Unknown resource"],
      ["baton://tasks/nothing", "There is no task nothing."],
      ["baton://projects/nothing", 'There is no project "nothing"'],
      ["file:///etc/passwd", "Unknown resource"],
    ] as const) {
      const refusal = { code: -32002, message: expect.stringContaining(sentence) };
      await expect(client.readResource({ uri })).rejects.toMatchObject(refusal);
      await expect(client.subscribeResource({ uri })).rejects.toMatchObject(refusal);
    }
  });

  test("a database that cannot be opened is said to be unavailable, in words", async () => {
    const { client } = await connectClient({ database: temporaryDirectory() });
    await expect(client.readResource({ uri: "baton://runs" })).rejects.toMatchObject({
      code: -32603,
      data: { code: "unavailable" },
    });
    await expect(client.subscribeResource({ uri: "baton://runs" })).rejects.toMatchObject({ code: -32603 });
  });

  test("a template that is none has no values", async () => {
    const client = await connectClient();
    await expect(completions(client, "baton://nothing/{id}", "")).rejects.toMatchObject({ code: -32602 });
  });
});

test("baton://reviews has what waits for a verdict, with its author and its holder, until it is decided", async () => {
  const author = await connectClient();
  await author.call("create_project", { name: "p", config: { reviewers: "handle" } });
  const steps = [{ key: "api", prompt: "Write it.", review: { by: "reviewer" } }];
  const run = (await author.call("execute_workflow", { project: "p", definition: { name: "w", steps } })).run.id;
  const claimed = await author.call("claim_task", { run, agent: "ann" });
  const held = { task: claimed.task!.id, token: claimed.lease!.token, agent: "ann" };
  await author.call("complete_task", { ...held, result: 1 });
  const open = { run, task: held.task, key: "api", author: "ann", round: 1, tier: "execution", role: "reviewer" };
  expect(await read(author, "baton://reviews")).toMatchObject({ reviews: [{ ...open, status: "ready" }] });
  await author.call("claim_task", { run, agent: "rita", roles: ["reviewer"] });
  expect(await read(author, "baton://reviews")).toMatchObject({
    reviews: [{ ...open, status: "running", held_by: "rita" }],
  });
  await author.perform("submit_review", { task: held.task, agent: "rita", verdict: "approve" });
  expect(await read(author, "baton://reviews")).toEqual({ reviews: [] });
});
