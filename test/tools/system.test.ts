import { describe, expect, test } from "vitest";
import type { ResultOf } from "../../src/tools/registry.js";
import { startApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";

const step = (key: string, more: Record<string, unknown> = {}) => ({ key, prompt: "x", ...more });
const valueOf = (answer: ResultOf<"get_configuration">, name: string) =>
  answer.settings.find((one) => one.name === name);

/** Numbers of things at once or in a row, of which one is a sensible choice. */
const ONE_IS_ENOUGH: ReadonlySet<string> = new Set([
  "context_compaction_threshold",
  "cost_block_threshold",
  "cost_warning_threshold",
  "dead_letter_replays",
  "max_concurrent_commands",
  "max_concurrent_tool_calls",
  "project_slots_share",
  "retry_attempts",
  "run_slots_share",
]);

describe.each(BACKENDS)("the system on %s", (backend) => {
  const start = async (more = {}) =>
    startApp({ database: (await createDatabase(backend)).location, agent: "ann", ...more });

  test("counts what is recorded", async () => {
    const { call, clock, cwd } = await start();
    expect(await call("get_system_status")).toMatchObject({
      runs: {},
      tasks: { ready: 0 },
      oldest_ready_ms: null,
      agents: { registered: 0, at_work: 0 },
      sessions: { open: 0 },
      database: { backend },
      process: { agent: "ann", working_directory: cwd, pid: process.pid },
    });
    await call("create_project", { name: "p" });
    await call("execute_workflow", {
      project: "p",
      definition: { name: "w", steps: [step("a"), step("b"), step("c", { needs: ["a"] })] },
    });
    await call("claim_task", { project: "p" });
    clock.advance(7_000);
    expect(await call("get_system_status")).toMatchObject({
      runs: { running: 1 },
      tasks: { running: 1, ready: 1, pending: 1 },
      agents: { registered: 1, at_work: 1 },
      sessions: { open: 1, executors: 0, overdue: 0 },
      ...(backend === "sqlite" && { oldest_ready_ms: 7_000 }),
    });
  });

  test("counts the tasks of finished runs too", async () => {
    const { call } = await start();
    await call("create_project", { name: "p" });
    const { run } = await call("execute_workflow", {
      project: "p",
      definition: { name: "w", steps: [step("a")] },
    });
    await call("control_run", { run: run.id, action: "cancel" });
    expect(await call("get_system_status")).toMatchObject({ runs: { cancelled: 1 }, tasks: { cancelled: 1 } });
    expect(await call("get_project_status", { project: "p" })).toMatchObject({ tasks: { cancelled: 1 } });
  });

  test("says why it is not well", async () => {
    const { call, clock, advance, cwd } = await start();
    expect(await call("get_health_status")).toMatchObject({ status: "ok" });
    await call("create_project", { name: "p", root: cwd });
    const { run } = await call("execute_workflow", {
      project: "p",
      definition: {
        name: "w",
        steps: [
          { key: "a", kind: "command", run: "true" },
          { key: "b", kind: "command", run: "false" },
          { key: "c", kind: "command", run: "ls", needs: ["a"] },
        ],
      },
    });
    expect((await call("get_project_status", { project: "p" })).commands_waiting).toEqual([
      { run: run.id, kind: "commands_not_allowed", detail: "no running server is allowed to run commands" },
    ]);
    await advance(1_000);
    expect(await call("get_health_status")).toMatchObject({
      status: "degraded",
      components: expect.arrayContaining([
        expect.objectContaining({ name: "database", status: "ok" }),
        expect.objectContaining({ name: "background_work", status: "ok" }),
        {
          name: "commands",
          status: "degraded",
          reason: "command steps wait, and no server process may run commands (--allow-commands)",
          measured: { executors: 0 },
        },
      ]),
    });
    if (backend === "postgres") return;
    clock.advance(30_000);
    expect(await call("get_health_status")).toMatchObject({
      status: "down",
      components: expect.arrayContaining([
        expect.objectContaining({ name: "background_work", status: "down", measured: { last_done_ms_ago: 30_000 } }),
      ]),
    });
  });
});

describe("configure and get_configuration", () => {
  test("a setting takes effect at once here and at the next beat elsewhere, and says where it came from", async () => {
    const one = await startApp({ agent: "ann" });
    const other = await startApp({ database: one.database, agent: "bob" });
    await other.call("create_project", { name: "p" });
    expect(valueOf(await one.call("get_configuration"), "retry_attempts")).toEqual({
      name: "retry_attempts",
      value: 3,
      origin: "default",
    });
    expect(await one.call("configure", { settings: { retry_attempts: 7 } })).toEqual({
      scope: "global",
      changed: [{ name: "retry_attempts", from: null, to: 7 }],
    });
    expect(valueOf(await other.call("get_configuration"), "retry_attempts")).toEqual({
      name: "retry_attempts",
      value: 7,
      origin: "configured by ann at 2026-01-01T00:00:00.000Z",
    });
    const attempts = async ({ call }: typeof one) => {
      const { task } = await call("create_task", { project: "p", title: "t", prompt: "x" });
      for (let attempt = 1; ; attempt++) {
        const claim = await call("claim_task", { project: "p" });
        if (claim.outcome !== "claimed") return attempt - 1;
        const error = { type: "x", message: "y" };
        await call("fail_task", { task: task.id, token: claim.lease!.token, error });
        one.clock.advance(120_000);
        other.clock.advance(120_000);
        await one.app.runBackground();
        await other.app.runBackground();
      }
    };
    expect(await attempts(one)).toBe(7);
    await other.advance(1_000);
    expect(await attempts(other)).toBe(7);
  });

  test("null takes a setting back", async () => {
    const { call } = await startApp();
    await call("configure", { settings: { lease_ms: 30_000 } });
    expect(await call("configure", { settings: { lease_ms: null } })).toMatchObject({
      changed: [{ name: "lease_ms", from: 30_000, to: null }],
    });
    expect(valueOf(await call("get_configuration"), "lease_ms")).toMatchObject({ value: 600_000, origin: "default" });
  });

  test("a former name changes the setting that has it no more", async () => {
    const { call } = await startApp();
    expect(await call("configure", { settings: { letter_replays: 2 } })).toMatchObject({
      changed: [{ name: "dead_letter_replays", from: null, to: 2 }],
    });
    await call("create_project", { name: "p" });
    expect(await call("configure", { scope: "p", settings: { letter_replays: 3 } })).toMatchObject({
      changed: [{ name: "config.dead_letter_replays", from: null, to: 3 }],
    });
  });

  test("a setting given to this process stays, and the answer says so", async () => {
    const { call } = await startApp({ settings: { lease_ms: 5_000 } });
    const pinned = { name: "lease_ms", value: 5_000, origin: "environment BATON_LEASE_MS", stored: 90_000 };
    expect(await call("configure", { settings: { lease_ms: 90_000 } })).toMatchObject({ overridden: [pinned] });
    expect(valueOf(await call("get_configuration"), "lease_ms")).toEqual(pinned);
  });

  test("all or nothing, every problem at once", async () => {
    const { call } = await startApp();
    const session = { session_renew_ms: 20_000, session_ttl_ms: 20_000 };
    const wrong = { leese_ms: 1, require_lead_approval: true, retry_attempts: 0, tick_ms: 20 };
    const settings = { ...wrong, ...session, patterns_max: 500 };
    await expect(call("configure", { settings })).rejects.toMatchObject({
      code: "invalid_input",
      details: {
        problems: [
          { path: "settings.leese_ms", message: 'unknown setting (did you mean "lease_ms"?)' },
          { path: "settings.require_lead_approval", message: "is a setting of projects: name one in scope" },
          expect.objectContaining({ path: "settings.retry_attempts" }),
          {
            path: "settings.tick_ms",
            message: "is read when a server starts: set BATON_TICK_MS, or put it into baton.json",
          },
          expect.objectContaining({ path: "settings.session_renew_ms" }),
        ],
      },
    });
    expect(valueOf(await call("get_configuration"), "patterns_max")).toMatchObject({ origin: "default" });
  });

  test.each([
    ["retention_ms", 0],
    ["retention_ms", null],
    ["dead_letter_retention_ms", 0],
    ["checkpoints_kept", 1],
    ["elicitation", false],
    ["elicitation_timeout_ms", 10],
    ["elicitation_again_ms", 86_400_000],
    ["letter_retention_ms", 1],
  ])("an agent may not set %s, which removes what is kept or decides about persons", async (name, value) => {
    const { call, database } = await startApp();
    const refused = call("configure", { settings: { ageing_ms: 60_000, [name]: value } });
    await expect(refused).rejects.toMatchObject({
      code: "not_permitted",
      message: expect.stringContaining("baton call configure"),
      details: { settings: [name.replace(/^letter/, "dead_letter")], permitted: ["human"] },
    });
    expect(valueOf(await call("get_configuration"), "ageing_ms")).toMatchObject({ origin: "default" });
    const person = await startApp({ database, channel: "human", agent: "person" });
    const settings = { ageing_ms: 60_000, [name]: value };
    expect((await person.call("configure", { settings })).changed.length).toBeGreaterThan(0);
  });

  test("an agent leaves to every process on the database what it needs to work, and no limit grows beyond all bounds", async () => {
    const { call, database } = await startApp();
    const { settings } = await call("get_configuration");
    for (const { name, value } of settings.filter((one) => typeof one.value === "number")) {
      for (const extreme of [1, Number.MAX_SAFE_INTEGER]) {
        if (ONE_IS_ENOUGH.has(name) && extreme === 1) continue;
        await expect(call("configure", { settings: { [name]: extreme } }), `${name} ${extreme}`).rejects.toThrow(name);
      }
      expect(valueOf(await call("get_configuration"), name)).toMatchObject({ value });
    }
    await expect(call("configure", { settings: { lease_ms: 9_999 } })).rejects.toMatchObject({
      code: "invalid_input",
      details: {
        problems: [{ path: "settings.lease_ms", message: expect.stringContaining("from 10000 to 86400000") }],
      },
    });
    expect(await call("configure", { settings: { lease_ms: 10_000, checkpoint_interval_ms: 0 } })).toMatchObject({
      changed: [{ name: "lease_ms" }, { name: "checkpoint_interval_ms" }],
    });
    const person = await startApp({ database, channel: "human", agent: "person" });
    expect(await person.call("configure", { settings: { lease_ms: 50 } })).toMatchObject({ changed: [{ to: 50 }] });
  });

  test("a project's scope is its configuration", async () => {
    const { call } = await startApp();
    await call("create_project", { name: "p" });
    expect(await call("configure", { scope: "p", settings: { max_parallel: 3 } })).toEqual({
      scope: "p",
      changed: [{ name: "config.max_parallel", from: null, to: 3 }],
    });
    expect(await call("get_configuration", { scope: "p" })).toEqual({
      scope: "p",
      settings: [
        { name: "worktrees", value: "per_worktree", origin: "project" },
        { name: "max_parallel", value: 3, origin: "project" },
      ],
    });
    await expect(call("get_configuration", { scope: "q" })).rejects.toMatchObject({ code: "not_found" });
  });
});
