import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type CommandResult, isRunning, openCommandFixture } from "../../support/fixtures/command-fixture.js";
import { BACKENDS, createDatabase, temporaryDirectory, ownRuntime } from "../../support/databases/databases.js";
import { bestOfFew, type InTime } from "../../support/in-time.js";
import { until } from "../../support/until.js";

/** Writes its pid and the pid of a child that ignores SIGTERM, then stays. */
const STAYS = "(trap '' TERM; sleep 1000; sleep 1000) & echo $! > child; echo $$ > own; echo started; sleep 1000";

describe.each(BACKENDS)("a command step on %s", (backend) => {
  test("is run in the project's root, and its end is the task's", async () => {
    const fixture = await openCommandFixture({ database: (await createDatabase(backend)).location });
    const { run, warnings } = await fixture.start(
      [
        { key: "a", run: "echo one; echo two >&2; pwd -P; echo $STEP", env: { STEP: "mine" } },
        {
          key: "b",
          needs: ["a"],
          run: "echo $BATON_RUN $BATON_TASK $BATON_ATTEMPT; echo $BATON_PROJECT_ROOT; env > environment",
        },
      ],
      { inputs: { some_words: { type: "string" }, list: { type: "array" } }, given: { some_words: "x y", list: [1] } },
    );
    expect(warnings).toEqual([]);
    expect(await fixture.ended(run)).toBe("succeeded");
    const a = await fixture.task(run, "a");
    const result = a.result as CommandResult;
    const output = `one\ntwo\n${fixture.app.cwd}\nmine\n`;
    expect(result).toEqual({
      exit_code: 0,
      output_tail: output,
      output_file: path.join(fixture.output, run, `${a.task.id}-1.log`),
      output_bytes: output.length,
      truncated: false,
    });
    expect(statSync(result.output_file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(result.output_file)).mode & 0o777).toBe(0o700);
    expect(a.attempts).toMatchObject([
      { number: 1, outcome: "succeeded", agent: expect.stringMatching(/^executor-.+-[0-9a-f]{4}$/) },
    ]);
    const b = await fixture.task(run, "b");
    expect((b.result as CommandResult).output_tail).toBe(`${run} ${b.task.id} 1\n${fixture.app.cwd}\n`);
    expect(fixture.file("environment")).toContain("BATON_INPUT_SOME_WORDS=x y\n");
    expect(fixture.file("environment")).toContain("BATON_INPUT_LIST=[1]\n");
  });

  test("that is cancelled with its run is ended, whole", async () => {
    const fixture = await openCommandFixture({ database: (await createDatabase(backend)).location });
    const { run } = await fixture.start([
      { key: "a", run: STAYS },
      { key: "b", needs: ["a"], run: "true" },
    ]);
    const [own, child] = [await fixture.written("own"), await fixture.written("child")];
    await fixture.app.call("control_run", { run, action: "cancel" });
    expect(await fixture.ended(run)).toBe("cancelled");
    expect([isRunning(own), isRunning(child)]).toEqual([false, false]);
    expect((await fixture.task(run, "a")).attempts).toMatchObject([{ outcome: "cancelled" }]);
  });
});

describe("a command that fails", () => {
  test("is tried again as its policy says, and leaves what it said", async () => {
    const fixture = await openCommandFixture();
    const retry = { max_attempts: 2, initial_interval_ms: 1 };
    const { run } = await fixture.start([
      { key: "a", run: "echo x >> tries; echo no luck; exit 3", retry },
      { key: "b", run: "test -e second || { touch second; exit 1; }", retry },
      { key: "c", run: "kill -9 $$", retry: { max_attempts: 1 } },
      { key: "d", run: "exit 4", retry: { max_attempts: 9, non_retryable: ["exit_4"] } },
    ]);
    await expect.poll(async () => (await fixture.task(run, "d")).task.status).toBe("dead_letter");
    await expect.poll(async () => (await fixture.task(run, "a")).attempts.length).toBe(1);
    await expect.poll(async () => (await fixture.task(run, "b")).attempts.length).toBe(1);
    await fixture.app.advance(1_000);
    expect(await fixture.ended(run)).toBe("failed");
    expect(fixture.file("tries")).toBe("x\nx\n");
    const a = await fixture.task(run, "a");
    expect(a.task).toMatchObject({ status: "dead_letter", failures: 2 });
    expect(a.attempts[1]).toMatchObject({
      outcome: "failed",
      error: { type: "exit_3", message: expect.stringMatching(/exit code 3; its output ends with:\nno luck$/) },
    });
    expect(a.result).toMatchObject({
      exit_code: 3,
      output_tail: "no luck\n",
      output_file: expect.stringMatching(/-2\.log$/),
    });
    expect((await fixture.task(run, "b")).attempts.map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
    expect((await fixture.task(run, "c")).attempts).toMatchObject([{ error: { type: "signal_SIGKILL" } }]);
  });

  test("to start, says why and is not tried again", async () => {
    const fixture = await openCommandFixture();
    symlinkSync("/", path.join(fixture.app.cwd, "away"));
    const { run } = await fixture.start([
      { key: "a", run: "touch ran", cwd: "away/tmp" },
      { key: "b", run: "touch ran", cwd: "nowhere" },
    ]);
    expect(await fixture.ended(run)).toBe("failed");
    for (const [key, message] of [
      ["a", "outside the project root"],
      ["b", "does not exist"],
    ] as const) {
      const { attempts } = await fixture.task(run, key);
      expect(attempts).toMatchObject([{ error: { type: "not_started", message: expect.stringContaining(message) } }]);
    }
    expect(fixture.file("ran")).toBeUndefined();
  });

  test("to end in time is ended, whole, before its lease is lost", async () => {
    // How long a command takes to come so far is the machine's matter.
    for (const seconds of [1, 5, 20]) {
      const fixture = await openCommandFixture();
      const timeouts = { start_to_close: `${seconds}s` };
      const { run } = await fixture.start([{ key: "a", run: STAYS, timeouts, retry: { max_attempts: 1 } }]);
      expect(await fixture.ended(run)).toBe("failed");
      const { attempts, result } = await fixture.task(run);
      expect(attempts).toMatchObject([{ error: { type: "timeout:start_to_close" } }]);
      if ((result as CommandResult).output_tail === "") continue;
      expect(isRunning(await fixture.written("child"))).toBe(false);
      expect(result).toMatchObject({ output_tail: "started\n" });
      return;
    }
    throw new Error("no command comes so far within twenty seconds");
  });

  test("is ended too when its task was taken away, and the next attempt waits for that", async () => {
    const fixture = await openCommandFixture();
    const line = `test -e own && { cat /proc/$(cat child)/stat > left; exit 0; }; ${STAYS}`;
    const { run } = await fixture.start([
      { key: "a", run: line, timeouts: { start_to_close: "1h" }, retry: { max_attempts: 2, initial_interval_ms: 1 } },
    ]);
    const [own, child] = [await fixture.written("own"), await fixture.written("child")];
    await fixture.app.advance(3_600_000);
    // Its server ends it at this time, and has five seconds to report what it said.
    expect((await fixture.task(run)).task.status).toBe("running");
    await fixture.app.advance(5_000);
    await fixture.app.advance(1_000);
    expect(await fixture.ended(run)).toBe("succeeded");
    expect((await fixture.task(run)).attempts.map(({ outcome }) => outcome)).toEqual(["timed_out", "succeeded"]);
    expect([isRunning(own), isRunning(child)]).toEqual([false, false]);
    // Dead, at most not reaped yet by the system's first process.
    expect(fixture.file("left") ?? "").toMatch(/^$| Z /);
  });
});

test("text from inputs arrives as text: nothing in it is run", async () => {
  const fixture = await openCommandFixture();
  const hostile = `"; touch owned; $(touch owned) \`touch owned\` ' \n touch owned #`;
  const { run } = await fixture.start(
    [{ key: "a", run: 'printf %s "$BATON_INPUT_TITLE" > title; echo $BATON_INPUT_TITLE' }],
    {
      inputs: { title: { type: "string" } },
      given: { title: hostile },
    },
  );
  expect(await fixture.ended(run)).toBe("succeeded");
  expect(fixture.file("title")).toBe(hostile);
  expect(fixture.file("owned")).toBeUndefined();
});

describe("a step with an output schema", () => {
  const output = { type: "object", required: ["covered"], properties: { covered: { type: "number" } } };

  test("has the last whole JSON value of stdout as result, or its text where it asks for one", async () => {
    const fixture = await openCommandFixture();
    const { run } = await fixture.start([
      { key: "a", run: `echo talk; printf '{\n  "covered": 81.5\n}\n'; echo warning >&2`, output },
      { key: "b", run: `printf '\\357\\273\\277{"covered": 2}\n'`, output },
      { key: "c", run: `echo '{"covered": 3}'; echo done`, output },
      { key: "d", run: "echo hello; echo warning >&2", output: { type: "string" } },
      { key: "e", run: "echo yes", output: { enum: ["yes", "no"] } },
      { key: "f", run: `printf '\\033[1;32m{"covered": 6}\\033[0m\\n'`, output },
      { key: "g", run: "if true; then\r\n  echo '{\"covered\": 7}'\r\nfi\r\n", output },
    ]);
    expect(await fixture.ended(run)).toBe("succeeded");
    const results = await Promise.all(
      ["a", "b", "c", "d", "e", "f", "g"].map(async (key) => (await fixture.task(run, key)).result),
    );
    expect(results.filter((result) => typeof result === "string")).toEqual(["hello", "yes"]);
    expect(results.filter((result) => typeof result !== "string")).toEqual(
      [81.5, 2, 3, 6, 7].map((covered) => ({ covered })),
    );
  });

  test("has a result of any length, and says what is wrong with one that is none", async () => {
    const fixture = await openCommandFixture();
    const pad = "x".repeat(20_000);
    const { run } = await fixture.start([
      { key: "a", run: `echo talk; echo '{"covered": 81.5, "pad": "${pad}"}'`, output },
      { key: "b", run: "echo talk", output, retry: { max_attempts: 1 } },
      { key: "c", run: `echo '{"covered": "much"}'`, output, retry: { max_attempts: 1 } },
      { key: "d", run: "printf 'a\\ncaf\\351\\n'", output: { type: "string" }, retry: { max_attempts: 1 } },
    ]);
    expect(await fixture.ended(run)).toBe("failed");
    expect((await fixture.task(run, "a")).result).toEqual({ covered: 81.5, pad });
    const b = await fixture.task(run, "b");
    expect(b.attempts).toMatchObject([
      { error: { type: "invalid_output", message: expect.stringContaining("no JSON value") } },
    ]);
    expect(b.result).toMatchObject({ exit_code: 0, output_tail: "talk\n" });
    expect((await fixture.task(run, "d")).attempts).toMatchObject([
      { error: { type: "invalid_output", message: expect.stringContaining("is not UTF-8 (line 2)") } },
    ]);
    expect((await fixture.task(run, "c")).attempts).toMatchObject([
      {
        error: {
          type: "invalid_output",
          message: expect.stringMatching(/^the result is not what .* asks: result\.covered: (?!.*still yours)/),
        },
      },
    ]);
  });
});

test("at most as many run at once as are configured, across projects in turn", async () => {
  const fixture = await openCommandFixture({ settings: { max_concurrent_commands: 2 } });
  const other = temporaryDirectory();
  await fixture.app.call("create_project", { name: "other", root: other });
  const [log, go] = [path.join(fixture.app.cwd, "log"), path.join(fixture.app.cwd, "go")];
  const waits = `while ! test -e ${go}; do sleep 0.02; done`;
  const step = (key: string) => ({ key, run: `echo + ${key} >> ${log}; ${waits}; echo - ${key} >> ${log}` });
  const many = await fixture.start(Array.from({ length: 8 }, (_, at) => step(`many-${at}`)));
  const lines = () => (fixture.file("log") ?? "").trim().split("\n");
  await until("two run", () => lines().length === 2);
  // Not before: on a busy machine the other project would have its turn before the second of these is begun.
  const few = await fixture.start([step("few")], { project: "other" });
  await fixture.app.advance(1_000);
  expect((await fixture.app.call("get_run", { run: many.run })).run).toMatchObject({
    counts: { running: 2, ready: 6 },
  });
  writeFileSync(go, "");
  expect(await fixture.ended(few.run)).toBe("succeeded");
  expect(await fixture.ended(many.run)).toBe("succeeded");
  const marks = lines();
  let running = 0;
  const counts = marks.map((mark) => (running += mark.startsWith("+") ? 1 : -1));
  expect(marks).toHaveLength(18);
  expect(Math.max(...counts)).toBe(2);
  expect(marks.indexOf("+ few")).toBeLessThan(10);
});

test.each(["the same commands", "commands of its own"])(
  "a run whose commands last leaves a slot to another run with %s",
  async (which) => {
    const fixture = await openCommandFixture({ settings: { max_concurrent_commands: 4 } });
    const long = await fixture.start(["a", "b", "c", "d", "e", "f"].map((key) => ({ key, run: STAYS })));
    const [log] = [path.join(fixture.app.cwd, "log")];
    const counts = async (run: string) => (await fixture.app.call("get_run", { run })).run.counts.running;
    await until("three run", async () => (await counts(long.run)) === 3);
    const run = which === "the same commands" ? STAYS : `echo done > ${log}; ${STAYS}`;
    const other = await fixture.start([{ key: "a", run }]);
    await until("the other's runs beside them", async () => (await counts(other.run)) === 1);
    // The next free slot is the third run's, which has none.
    const third = await fixture.start([{ key: "a", run }]);
    await fixture.app.call("control_run", { run: other.run, action: "cancel" });
    await until("the third's runs", async () => (await counts(third.run)) === 1);
    expect(await counts(long.run)).toBe(3);
  },
);

test.each([
  ["run_slots_share", 2],
  ["project_slots_share", 0],
])("%s bounds what has slots at once, also while others stand free", async (setting, second) => {
  const fixture = await openCommandFixture({ settings: { [setting]: 0.2 } });
  const steps = ["a", "b", "c"].map((key) => ({ key, run: STAYS }));
  const counts = async (run: string) => (await fixture.app.call("get_run", { run })).run.counts;
  const first = await fixture.start(steps);
  await until("two run", async () => (await counts(first.run)).running === 2);
  const other = await fixture.start(steps);
  await fixture.app.call("create_project", { name: "other", root: temporaryDirectory() });
  const third = await fixture.start(steps, { project: "other" });
  await until("the other project's run", async () => (await counts(third.run)).running === 2);
  await fixture.app.advance(1_000);
  const running = (await Promise.all([first, other, third].map(({ run }) => counts(run)))).map((one) => one.running);
  expect(running).toEqual([2, second, 2]);
  await fixture.app.call("control_run", { run: first.run, action: "cancel" });
  await until("the other of its project runs", async () => (await counts(other.run)).running === 2);
});

test("a run within its share goes on while one that has all of its own comes first", async () => {
  const settings = { max_concurrent_commands: 6, run_slots_share: 0.34 };
  const fixture = await openCommandFixture({ settings });
  const steps = (...runs: string[]) => runs.map((run, at) => ({ key: `s${at}`, run }));
  const first = await fixture.start(steps(STAYS, STAYS, STAYS));
  const running = async (run: string) => (await fixture.app.call("get_run", { run })).run.counts.running;
  await until("the first has its share", async () => (await running(first.run)) === 2);
  const other = await fixture.start(steps(STAYS, "true", STAYS));
  await until("the other's last runs", async () => (await fixture.task(other.run, "s2")).task.status === "running");
  expect(await running(first.run)).toBe(2);
});

describe.runIf(process.platform === "linux")("a command that reserves resources of its machine", () => {
  test("is ended when its processes together have more memory than it reserves, and the error says how much", async () => {
    const fixture = await openCommandFixture();
    // The last line has no end: tail keeps all of it, and then waits for who reads.
    const greedy = "head -c 150000000 /dev/zero | tail | sleep 60";
    const memory = (gb: number) => ({ memory: { gb } });
    const { run } = await fixture.start([
      { key: "greedy", run: greedy, resources: memory(0.05), retry: { max_attempts: 1 } },
      { key: "modest", run: "head -c 1000 /dev/zero | tail", resources: memory(0.1) },
    ]);
    expect(await fixture.ended(run)).toBe("failed");
    const [greedyEnd] = (await fixture.task(run, "greedy")).attempts ?? [];
    expect(greedyEnd?.error).toMatchObject({
      type: "memory_exceeded",
      message: expect.stringMatching(/it had 0\.\d+ GiB of memory/),
    });
    expect((await fixture.task(run, "modest")).task.status).toBe("succeeded");
  });

  test.runIf(os.availableParallelism() > 1 && spawnSync("taskset", ["-V"]).status === 0)(
    "has the processors that it reserves and no others",
    async () => {
      const fixture = await openCommandFixture();
      const seen = (key: string) => ({ key, run: `nproc > ${key}` });
      const cores = { cores: 0.5 };
      await fixture.app.call("register_resource", { id: "cpu@elsewhere", type: "cpu", capacity: cores });
      const { run } = await fixture.start([
        { ...seen("one"), resources: { cpu: cores } },
        // Cores of another machine are no limit here.
        { ...seen("other"), resources: { "cpu@elsewhere": cores } },
        seen("all"),
      ]);
      expect(await fixture.ended(run)).toBe("succeeded");
      expect(fixture.file("one")?.trim()).toBe("1");
      expect(Number(fixture.file("other"))).toBe(os.availableParallelism());
      expect(Number(fixture.file("all"))).toBe(os.availableParallelism());
    },
  );
});

test("commands of two databases do not meet, though they are carried out on one machine", async () => {
  const [one, other] = [await openCommandFixture(), await openCommandFixture()];
  const [stays, ends] = [await one.start([{ key: "a", run: STAYS }]), await other.start([{ key: "a", run: STAYS }])];
  const own = await one.written("own");
  await other.written("own");
  await other.app.call("control_run", { run: ends.run, action: "cancel" });
  expect(await other.ended(ends.run)).toBe("cancelled");
  expect(isRunning(own)).toBe(true);
  expect((await one.task(stays.run)).task.status).toBe("running");
});

test("a server's last words while it stops are true: its commands are ended and their attempts interrupted", () =>
  bestOfFew(endedWithItsServer));

async function endedWithItsServer(inTime: InTime): Promise<void> {
  const first = await openCommandFixture();
  const { run } = await first.start([{ key: "a", run: `test -e again && exit 0; touch again; ${STAYS}` }]);
  const [own, child] = [await first.written("own"), await first.written("child")];
  const from = performance.now();
  await first.app.close();
  inTime(5_000, from);
  expect([isRunning(own), isRunning(child)]).toEqual([false, false]);
  const runtime = ownRuntime();
  const second = await openCommandFixture({ database: first.app.database, cwd: first.app.cwd, runtime });
  await second.app.advance(60_000);
  expect(await second.ended(run)).toBe("succeeded");
  const { task, attempts } = await second.task(run);
  expect(attempts.map(({ outcome, error }) => error?.type ?? outcome)).toEqual(["interrupted", "succeeded"]);
  expect(task.failures).toBe(1);
  const { agents } = await second.app.call("list_agents");
  const executors = agents.filter(({ name }) => name.startsWith("executor-"));
  expect(executors.map(({ name }) => name)).toEqual([attempts[1]?.agent]);
}

test("output stays as long as its run", async () => {
  const fixture = await openCommandFixture({ settings: { retention_ms: 60_000 } });
  const { run } = await fixture.start([{ key: "a", run: "echo kept" }]);
  expect(await fixture.ended(run)).toBe("succeeded");
  const [own, other] = [path.join(fixture.output, run), path.join(fixture.output, "run_0123456789abcdef")];
  mkdirSync(other);
  for (const directory of [own, other]) utimesSync(directory, 0, 0);
  await fixture.app.advance(1_000);
  expect([existsSync(own), existsSync(other)]).toEqual([true, false]);
});

test("no agent acts under the executor's name", async () => {
  const fixture = await openCommandFixture();
  const { run } = await fixture.start([{ key: "a", run: STAYS }]);
  await fixture.written("own");
  const agent = (await fixture.task(run)).task.agent ?? "";
  expect(agent).toMatch(/^executor-/);
  await expect(fixture.app.call("claim_task", { agent, run })).rejects.toMatchObject({ code: "not_permitted" });
  await expect(fixture.app.call("register_agent", { name: agent })).rejects.toMatchObject({ code: "not_permitted" });
  expect(await fixture.app.call("claim_task", { agent: "ann", run })).toMatchObject({ outcome: "none" });
});
