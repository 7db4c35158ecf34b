import type { TestApp } from "./app.js";
import { Crew } from "./plan.js";

/** Calls an operation; the fields that a day reads of an answer are named where they are read. */
type Call = (name: string, input?: Record<string, unknown>) => Promise<Record<string, unknown>>;

/**
 * A day on which every operation that writes is called in most of the ways it can go: plans with and without files, claims that
 * meet locks, failures, retries, leases that are lost, runs that are paused, cancelled and taken up again.
 */
export async function workingDay(app: TestApp): Promise<void> {
  const call: Call = async (name, input = {}) => ({ ...(await app.call(name, input)) });
  const crew = new Crew(app);
  const project = "day";
  await call("create_project", { name: project, root: app.cwd });
  await call("create_project", { name: project, root: app.cwd, template: "library", request_id: "scaffold" });
  await call("create_project", { name: project, root: app.cwd, template: "library", request_id: "scaffold" });
  await morning({ app, call, crew, project });
  await noon({ app, call, crew, project });
  await afternoon({ app, call, crew, project });
  await dusk({ app, call, crew, project });
  await night({ app, call, crew, project });
  await backAndForth({ app, call, crew, project });
  await smallHours({ app, call, crew, project });
  await accounts({ app, call, crew, project });
  await evening({ app, call, crew, project });
}

interface Day {
  readonly app: TestApp;
  readonly call: Call;
  readonly crew: Crew;
  readonly project: string;
}

const steps = [
  { key: "plan" },
  { key: "api", needs: ["plan"], files: { write: ["src/api/"] }, role: "backend" },
  { key: "docs", needs: ["plan"], files: { write: ["docs/*.md"], read: ["src/api/"] } },
  { key: "test", needs: ["api", "docs"], files: { read: ["src/**"] } },
  { key: "cleanup", needs: ["test"], trigger: "all_done" },
];

/** Agents come, a stored workflow runs through, with files. */
async function morning({ call, crew, project }: Day): Promise<void> {
  await call("register_agent", { name: "ann", roles: ["backend"], max_concurrent_tasks: 3 });
  await call("register_agent", { name: "ben" });
  await call("update_agent", { agent: "ben", capabilities: ["typescript"] });
  await call("agent_heartbeat", { agent: "ann", load: 1 });
  const prompts = steps.map((step) => ({ prompt: `do ${step.key}`, ...step }));
  await call("create_workflow", { project, name: "flow", definition: { name: "flow", steps: prompts } });
  await call("create_workflow", { project, name: "spare", definition: { name: "spare", steps: [prompts[0]] } });
  await call("delete_workflow", { project, name: "spare" });
  const tasks = [{ id: "a" }, { id: "b", parents: ["a"] }];
  const recorded = { name: "recorded", schemaVersion: "1.5", workflow: { specification: { tasks } } };
  await call("import_workflow", { project, document: JSON.stringify(recorded) });

  await call("create_complex_workflow", {
    project,
    execute: true,
    steps: [
      { name: "read", module: "files", action: "read_text_file", parameters: { path: "a" } },
      { name: "ask", module: "baton", action: "human", parameters: { ask: "{{read.output.content}}?" } },
    ],
  });

  await call("create_session", { name: "shift", mode: "fault_tolerant", ttl: "1d" });
  await call("add_milestone", { project, name: "flowing", due: "1d", workflows: ["flow"] });

  const started = await call("execute_workflow", { project, workflow: "flow", session: "shift", wait_seconds: 0 });
  const run = (started["run"] as { id: string }).id;
  const plan = await crew.take("ann", { run });
  await call("report_progress", { ...heldBy(plan), percent: 50, note: "half way" });
  await call("complete_task", { ...heldBy(plan), result: { pages: 2 }, request_id: "plan-done" });
  await call("complete_task", { ...heldBy(plan), result: { pages: 2 }, request_id: "plan-done" });
  const api = await crew.take("ann", { run });
  // What ann writes is what docs reads: ben finds nothing until she has finished.
  await crew.claim("ben", { run });
  await call("acquire_file_lock", { agent: "ben", project, paths: ["src/api/index.ts"] });
  await call("add_milestone", { project, name: "written", runs: [run], tasks: [`${run}/api`, `${run}/docs`] });
  await call("close_session", { session: "shift" });
  await crew.complete(api);
  await crew.complete(await crew.take("ben", { run }));
  await crew.complete(await crew.take("ben", { run }));
  await crew.complete(await crew.take("ben", { run }));
}

/** What goes wrong: locks in the way, failures, lost leases, cancelled work. */
async function noon({ app, call, crew, project }: Day): Promise<void> {
  await call("acquire_file_lock", { agent: "cleo", project, paths: ["src/api/", "README.md"], ttl_seconds: 60 });
  await call("acquire_file_lock", { agent: "ben", project, paths: ["README.md"], wait_seconds: 0.01 });
  const { run } = await crew.start(steps, { project });
  await crew.complete(await crew.take("ann", { run: run.id }));
  // The scope of api is held: it is set aside until the lock goes.
  await crew.claim("ann", { run: run.id });
  await call("release_file_lock", { agent: "cleo", project, all: true });
  const api = await crew.take("ann", { run: run.id });
  await crew.fail(api);
  await app.advance(600_000);
  const again = await crew.take("ann", { run: run.id });
  await call("release_task", { ...heldBy(again), note: "later" });
  await call("assign_task", { task: again.id, agent: "ann" });
  const third = await crew.take("ann", { run: run.id });
  await crew.fail(third, "hopeless", { retryable: false });
  await call("control_run", { run: run.id, action: "pause" });
  await call("control_run", { run: run.id, action: "resume" });

  // A task that outlives its time, and a run that is given up while somebody works on it.
  const timeouts = { start_to_close: "1m" };
  const { run: slow } = await crew.start([{ key: "slow", timeouts, files: { write: ["slow/"] } }, { key: "next" }], {
    project,
  });
  await crew.take("ann", { run: slow.id });
  await app.advance(120_000);
  await app.advance(600_000);
  await crew.claim("ann", { run: slow.id });
  await call("control_run", { run: slow.id, action: "cancel" });
  await app.advance(60_000);
}

/** Steps that the server does itself, and those whose form depends on what came before. */
async function afternoon({ app, call, crew, project }: Day): Promise<void> {
  const files = { write: ["pages/${{ item }}.md"] };
  const { run } = await crew.start(
    [
      { key: "list" },
      { key: "page", needs: ["list"], for_each: "steps.list.output", files },
      { key: "gate", kind: "gate", needs: ["page"], checks: ["size(steps.page.output) == 2"] },
      { key: "skipped", needs: ["list"], if: "size(steps.list.output) > 2" },
      { key: "pause", kind: "wait", for: "1m", needs: ["gate"] },
      { key: "hook", kind: "wait", event: "merged", needs: ["gate"] },
      { key: "ask", kind: "human", ask: "Ship ${{ steps.page.output }}?", needs: ["gate"] },
      { key: "ship", needs: ["pause", "hook", "ask"], prompt: "${{ steps.hook.output.payload }}" },
    ],
    { project },
  );
  await call("signal", { run: run.id, event: "early" });
  const goal = await call("orchestrate", { project, agent: "finn", goal: "Tidy up" });
  const plan = { task: (goal["task"] as { id: string }).id, token: (goal["lease"] as { token: number }).token };
  await call("complete_task", { ...plan, agent: "finn", result: [{ key: "tidy", prompt: "tidy" }] });
  await call("orchestrate", { project, agent: "finn", goal: "Fix the bug", decompose: "auto" });
  await crew.complete(await crew.take("ben", { run: run.id }), ["a", "b"]);
  await crew.complete(await crew.take("ben", { run: run.id }), "A");
  await crew.complete(await crew.take("ben", { run: run.id }), "B");
  await app.advance(60_000);
  await call("signal", { run: run.id, event: "merged", payload: 7 });
  const desk = await app.app.desk("day");
  const { question } = await desk.next({ runs: [run.id], except: new Set() });
  if (question !== undefined && (await desk.take(question))) await desk.giveUp(question);
  const { escalations } = await call("list_escalations", { run: run.id });
  for (const { id } of escalations as { id: string }[]) {
    await call("decide_escalation", { id, decision: "deferred" });
    await call("decide_escalation", { id, decision: "approved" });
  }
  await crew.complete(await crew.take("ben", { run: run.id }));
}

/** What could not be done, and what becomes of it. */
async function dusk({ call, crew, project }: Day): Promise<void> {
  const once = { retry: { max_attempts: 1 }, files: { write: ["lost.md"] } };
  const keys = ["again", "solved", "given-up"];
  const { run } = await crew.start(
    keys.flatMap((key) => [
      { key, ...once },
      { key: `after-${key}`, needs: [key] },
    ]),
    { project },
  );
  await crew.fail(await crew.take("ben", { run: run.id }), "broken");
  await crew.fail(await crew.take("ben", { run: run.id }), "broken");
  const held = await crew.take("ben", { run: run.id });
  await call("send_to_dead_letters", { task: held.id, reason: "enough" });
  const { dead_letters } = await call("list_dead_letters", { run: run.id });
  const [third, second, first] = dead_letters as { id: string }[];
  await call("get_dead_letter", { id: first?.id });
  await call("replay_dead_letter", { id: first?.id, changes: { agent: "ben", prompt: "otherwise" } });
  await call("resolve_dead_letter", { id: second?.id, notes: "by hand", result: { done: true } });
  await call("discard_dead_letter", { id: third?.id, notes: "not worth it" });
  await crew.complete(await crew.take("ben", { run: run.id }));
  await crew.complete(await crew.take("ben", { run: run.id }));
  await crew.complete(await crew.take("ben", { run: run.id }));
}

/** Runs within runs, and runs that are undone. */
async function night({ app, call, crew, project }: Day): Promise<void> {
  const inner = [{ key: "in", prompt: "in", files: { write: ["in.md"] }, compensate: { prompt: "undo" } }];
  await call("create_workflow", { project, name: "inner", definition: { name: "inner", steps: inner } });
  const all = { key: "all", kind: "workflow", workflow: "inner", for_each: [1, 2, 3] };
  const last = { key: "last", retry: { max_attempts: 1 } };
  const outer = [all, { ...last, needs: ["all"] }];
  const { run } = await crew.start(outer, { project, max_parallel: 2, on_failure: "stop" });
  await app.advance(10);
  for (const action of ["pause", "resume"]) await call("control_run", { run: run.id, action });
  for (let child = 0; child < 3; child++) {
    await crew.complete(await crew.take("ben", { run: run.id }));
    await app.advance(10);
    await app.advance(10);
  }
  await crew.fail(await crew.take("ben", { run: run.id }));
  await call("control_run", { run: run.id, action: "retry_failed" });
  await call("control_run", { run: run.id, action: "cancel" });

  const called = await crew.start([{ key: "call", kind: "workflow", workflow: "inner" }], { project });
  await app.advance(10);
  const inside = await crew.claim("ben", { run: called.run.id });
  const child = (inside.task as unknown as { run: string }).run;
  await call("send_to_dead_letters", { task: inside.task?.id, reason: "enough" });
  await app.advance(10);
  await call("control_run", { run: child, action: "retry_failed" });
  await crew.complete(await crew.take("ben", { run: child }));
  await app.advance(10);

  const retry = { max_attempts: 2, initial_interval_ms: 1 };
  const tried = await crew.start([{ key: "call", kind: "workflow", workflow: "inner", retry }], { project });
  await app.advance(10);
  await call("send_to_dead_letters", { task: (await crew.take("ben", { run: tried.run.id })).id, reason: "enough" });
  for (let look = 0; look < 3; look++) await app.advance(10);
  await crew.complete(await crew.take("ben", { run: tried.run.id }));
  await app.advance(10);

  const undone = await crew.start([...inner, { ...last, needs: ["in"] }], { project, on_failure: "compensate" });
  await crew.complete(await crew.take("ben", { run: undone.run.id }));
  await crew.fail(await crew.take("ben", { run: undone.run.id }));
  await app.advance(10);
  await crew.complete(await crew.take("ben", { run: undone.run.id }));

  const changed = await crew.start(steps, { project });
  const changes = [
    {
      op: "add_task",
      step: { key: "more", prompt: "more", needs: ["plan"], files: { write: ["more.md"] } },
      before: ["test"],
    },
    {
      op: "update_task",
      task: "docs",
      set: { prompt: "otherwise", role: "backend", files: { write: ["docs/other.md"] } },
    },
    { op: "remove_task", task: "cleanup" },
    { op: "insert_gate", after: "plan", checks: ["true"] },
    { op: "reprioritize", priority: "high" },
  ];
  await call("modify_run", { run: changed.run.id, changes, expected_revision: 1 });
  await call("control_run", { run: changed.run.id, action: "cancel" });

  const orphan = await crew.start([{ key: "call", kind: "workflow", workflow: "inner" }], { project });
  await app.advance(10);
  await call("control_run", { run: orphan.run.id, action: "cancel" });
  await app.advance(10);
}

/** A run that goes back to how it stood, while somebody holds files that others wait for, and one that begins anew from there. */
async function backAndForth({ app, call, crew, project }: Day): Promise<void> {
  const files = { write: ["back.md"] };
  const { run } = await crew.start(
    [
      { key: "list" },
      { key: "part", needs: ["list"], for_each: "steps.list.output" },
      { key: "ask", kind: "human", ask: "Go on?", needs: ["list"] },
      { key: "write", files },
      { key: "stop" },
    ],
    { project },
  );
  const { run: other } = await crew.start([{ key: "behind", files }], { project });
  const stopped = await crew.take("ben", { run: run.id });
  const { checkpoint } = await call("create_checkpoint", { run: run.id, label: "early", request_id: "early" });
  const { id } = checkpoint as { id: string };
  await crew.complete(stopped, ["a", "b"]);
  const held = await crew.take("ben", { run: run.id });
  await crew.claim("ann", { run: other.id });
  await call("cancel_task", { task: held.id });
  await call("create_checkpoint", { run: run.id });
  await call("resume_from_checkpoint", { checkpoint: id, agent: "guest" });
  await call("resume_from_checkpoint", { checkpoint: id, as: "fork", agent: "visitor", request_id: "fork" });
  const { checkpoints } = await call("list_checkpoints", { run: run.id });
  for (const one of checkpoints as { id: string }[]) await call("resume_from_checkpoint", { checkpoint: one.id });
  const many = Array.from({ length: 501 }, (_, at) => ({ key: `m${at}` }));
  await crew.start([...many, { key: "ask", kind: "human", ask: "Go on?" }], { project });
  await app.advance(300_000);
}

/** What is tried again without being asked, and what may not be any more. */
async function smallHours({ app, call, crew, project }: Day): Promise<void> {
  await call("update_project", { project, config: { letter_replays: 1 } });
  const plan = [
    { key: "broken", retry: { max_attempts: 1 }, files: { write: ["broken.md"] } },
    { key: "behind", needs: ["broken"] },
  ];
  const { run } = await crew.start(plan, { project });
  const { run: stopped } = await crew.start([...plan, { key: "rest" }], { project });
  await crew.fail(await crew.take("ben", { run: run.id }), "broken");
  await crew.fail(await crew.take("ben", { run: stopped.id }), "broken");
  await call("control_run", { run: stopped.id, action: "cancel" });
  await app.advance(600_000);
  await crew.complete(await crew.take("ben", { run: run.id }));
  await crew.complete(await crew.take("ben", { run: run.id }));
  await call("update_project", { project, config: {} });
}

/** Runs within runs that cost something, whose budgets are spent, raised and taken away; an end that a milestone waits for is paid for. */
async function accounts({ app, call, crew, project }: Day): Promise<void> {
  const all = { key: "all", kind: "workflow", workflow: "inner", for_each: [1, 2] };
  const definition = { name: "dear", max_parallel: 1, steps: [all] };
  const answer = await call("execute_workflow", { project, definition, budget: 1 });
  const run = (answer["run"] as { id: string }).id;
  await app.advance(10);
  const inside = await crew.claim("ben", { run });
  const child = (inside.task as unknown as { run: string }).run;
  await call("add_milestone", { project, name: "paid", runs: [child] });
  await call("set_budget", { run: child, limit: 0.5 });
  const held = { task: inside.task?.id, token: inside.lease?.token };
  await call("fail_task", { ...held, error: { type: "broken", message: "it is" }, usage: { cost: 0.5 } });
  await call("set_budget", { run: child, limit: 5, warn_at: 0.5 });
  await app.advance(600_000);
  const again = await crew.claim("ben", { run: child });
  await call("complete_task", { task: again.task?.id, token: again.lease?.token, usage: { cost: 0.7 } });
  await app.advance(10);
  await crew.claim("ben", { run });
  await call("check_budget", { run: child });
  await call("set_budget", { run, limit: 3 });
  await app.advance(10);
  const second = await crew.take("ben", { run });
  await call("release_task", { ...heldBy(second), usage: { cost: 0.1 } });
  await call("set_budget", { run, limit: null });
  await call("control_run", { run, action: "cancel" });
  await app.advance(10);
}

/** Single tasks, waiting, settings, and the end of the project. */
async function evening({ app, call, crew, project }: Day): Promise<void> {
  const first = await call("create_task", { project, title: "One", prompt: "one", files: { write: ["one.md"] } });
  const { id, run } = first["task"] as { id: string; run: string };
  const second = await call("create_task", { project, run, title: "Two", prompt: "two", dependencies: [id] });
  await call("cancel_task", { task: (second["task"] as { id: string }).id, reason: "not needed" });
  await crew.complete(await crew.take("ben", { run }), { done: true });
  await call("execute_task", { project, definition: { title: "Three", prompt: "three" }, wait_seconds: 0 });
  await call("wait_for", { project, agent: "ann", timeout_seconds: 0 });
  await call("claim_task", { agent: "dora", project, wait_seconds: 0.01, roles: ["backend"] });
  await call("add_milestone", { project, name: "by-hand" });
  await call("complete_milestone", { project, name: "by-hand", note: "reached" });
  await call("configure", { settings: { ageing_ms: 60_000 } });
  await call("update_project", { project, description: "a day's work" });
  await call("unregister_agent", { agent: "ann" });
  await call("unregister_agent", { agent: "dora" });
  await call("archive_project", { project, force: true });
  await call("restore_project", { project });
  await app.advance(100 * 86_400_000);
}

function heldBy({ id, token }: { id: string; token: number }): { task: string; token: number } {
  return { task: id, token };
}
