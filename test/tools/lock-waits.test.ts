import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { renderResult } from "../../src/dispatch/render.js";
import { BACKENDS, createDatabase, temporaryDirectory, testRuntime } from "../support/databases/databases.js";
import { startApp } from "../support/servers/app.js";
import { until } from "../support/until.js";

/** Two processes' worth of server on one database and one clock, and the events of a wait that does not last. */
async function twoServers(backend: (typeof BACKENDS)[number]) {
  const { location } = await createDatabase(backend);
  const cwd = temporaryDirectory();
  mkdirSync(path.join(cwd, ".git"));
  const runtime = testRuntime();
  const shared = { database: location, runtime, cwd };
  const [here, there] = [await startApp(shared), await startApp(shared)];
  const granted = (agent: string) => there.call("wait_for", { agent, kinds: ["lock_granted"], timeout_seconds: 0 });
  const inLine = (agent: string) =>
    until(`${agent} is in line`, async () => {
      const { locks } = await here.call("list_file_locks");
      return locks.some((lock) => lock.agent === agent && lock.state === "queued");
    });
  return { here, there, clock: runtime.clock, granted, inLine, cwd };
}

describe.each(BACKENDS)("wait_for lock_granted on %s", (backend) => {
  test("tells no grant that acquire_file_lock has answered with, nor one of a lock that is released", async () => {
    const { here, there, clock, granted, inLine } = await twoServers(backend);
    await granted("bob");
    await here.call("acquire_file_lock", { agent: "ann", paths: ["a.ts"] });
    await there.call("acquire_file_lock", { agent: "bob", paths: ["b.ts"] });
    const waiting = there.call("acquire_file_lock", { agent: "bob", paths: ["a.ts"], wait_seconds: 30 });
    await inLine("bob");
    await here.call("release_file_lock", { agent: "ann", all: true });
    expect(await waiting).toMatchObject({ outcome: "granted" });
    clock.advance(5);
    expect(await granted("bob")).toMatchObject({ timed_out: true, events: [] });
    // From the start of the history too.
    await there.call("release_file_lock", { agent: "bob", all: true });
    const all = { agent: "bob", kinds: ["lock_granted" as const], cursor: "0.0", timeout_seconds: 0 };
    expect(await there.call("wait_for", all)).toMatchObject({ events: [] });
  });

  test("names what is not committed when files pass from one agent to another, and nothing else", async () => {
    const { here, there, inLine, cwd } = await twoServers(backend);
    execFileSync("git", ["init", "-q"], { cwd });
    writeFileSync(path.join(cwd, "a.ts"), "half");
    writeFileSync(path.join(cwd, "b.ts"), "another's");
    expect(await here.call("acquire_file_lock", { agent: "ann", paths: ["*.ts"] })).not.toHaveProperty("note");
    const waiting = there.call("acquire_file_lock", { agent: "bob", paths: ["a.ts"], wait_seconds: 30 });
    await inLine("bob");
    const released = await here.call("release_file_lock", { agent: "ann", all: true });
    expect(released.note).toMatch(/^Not committed: a\.ts, b\.ts\. The next holder has them before it now\./);
    const granted = await waiting;
    expect(granted).toMatchObject({ outcome: "granted" });
    expect(granted.note).toMatch(
      /^Not committed: a\.ts\. Unless they are yours, another agent has left them unfinished/,
    );
    expect(renderResult(granted).text).toContain(granted.note);
    expect(await there.call("release_file_lock", { agent: "bob", all: true })).not.toHaveProperty("note");
  });

  test("a grant after a wait names the intents that it meets, and their agents are told of it", async () => {
    const { here, there, inLine } = await twoServers(backend);
    await here.call("acquire_file_lock", { agent: "ann", paths: ["a.ts"] });
    await here.call("acquire_file_lock", { agent: "cem", paths: ["a.ts"], mode: "intent" });
    const waiting = there.call("acquire_file_lock", { agent: "bob", paths: ["a.ts"], wait_seconds: 30 });
    await inLine("bob");
    await here.call("release_file_lock", { agent: "ann", all: true });
    expect(await waiting).toMatchObject({
      outcome: "granted",
      conflicts: [{ held_by: "cem", mode: "intent" }],
      note: expect.stringMatching(/^Others are at work on these files, and neither waits/),
    });
    expect((await here.call("read_messages", { agent: "cem" })).messages).toMatchObject([
      { from: "bob", body: expect.stringContaining("bob has locked a.ts.") },
    ]);
  });

  test("tells a grant to a call that is under way beside it", async () => {
    const { here, there, inLine } = await twoServers(backend);
    await here.call("acquire_file_lock", { agent: "ann", paths: ["a.ts"] });
    const waiting = there.call("acquire_file_lock", { agent: "bob", paths: ["a.ts"], wait_seconds: 30 });
    await inLine("bob");
    const watch = there.call("wait_for", { agent: "bob", kinds: ["lock_granted"], timeout_seconds: 30 });
    await here.call("release_file_lock", { agent: "ann", all: true });
    expect(await watch).toMatchObject({ events: [{ type: "lock.granted", agent: "bob" }] });
    expect(await waiting).toMatchObject({ outcome: "granted" });
  });

  test("tells an offer with the call that takes it and by when, until it is taken or withdrawn", async () => {
    const { here, there, granted } = await twoServers(backend);
    await granted("bob");
    for (const paths of [["a.ts"], ["b.ts"]]) {
      await here.call("acquire_file_lock", { agent: "ann", paths });
      await there.call("acquire_file_lock", { agent: "bob", paths, mode: "shared", wait_seconds: 0.05 });
      await here.call("release_file_lock", { agent: "ann", all: true });
    }
    const answer = await granted("bob");
    const arguments_ = (file: string) => ({ paths: [file], mode: "shared", agent: "bob" });
    expect(answer.next).toEqual(
      ["a.ts", "b.ts"].map((file) => ({ tool: "acquire_file_lock", arguments: arguments_(file) })),
    );
    const { text } = renderResult(answer);
    expect(text).toMatch(/^2 offers, the first until 2026-\S+Z, not locked yet: the same acquire_file_lock call/);
    const [first] = answer.next ?? [];
    expect(await there.call("acquire_file_lock", first?.arguments as { paths: string[] })).toMatchObject({
      outcome: "granted",
    });
    const all = { agent: "bob", kinds: ["lock_granted" as const], cursor: "0.0", timeout_seconds: 0 };
    expect((await there.call("wait_for", all)).events).toMatchObject([{ data: { paths: ["b.ts"] } }]);
    await there.call("release_file_lock", { agent: "bob", paths: ["b.ts"] });
    expect(await there.call("wait_for", all)).toMatchObject({ events: [] });
  });
});

test("a wait for a grant says where the agent is in line for no file, and a queued answer until when it is", async () => {
  const app = await startApp();
  const wait = () => app.call("wait_for", { agent: "bob", kinds: ["lock_granted"], timeout_seconds: 0.05 });
  await app.call("acquire_file_lock", { agent: "ann", paths: ["a.ts"] });
  await app.call("acquire_file_lock", { agent: "bob", paths: ["a.ts"] });
  expect((await wait()).note).toMatch(/^You are in line for no file here.*acquire_file_lock with wait_seconds/);
  const queued = await app.call("acquire_file_lock", { agent: "bob", paths: ["a.ts"], wait_seconds: 0.05 });
  expect(renderResult(queued).text).toContain(`keeps the place, which lapses ${queued.kept_until} without it.`);
  expect(await wait()).not.toHaveProperty("note");
  const released = await app.call("release_file_lock", { agent: "ann", all: true });
  expect(renderResult(released).text).toMatch(/^Released a\.ts; offered to 1 in line\./);
  const denied = await app.call("acquire_file_lock", { agent: "ann", paths: ["a.ts"] });
  expect(renderResult(denied).text).toMatch(/^Not locked: a\.ts is offered to bob until /);
});

test("a wait that is cut says at which bound, in each operation that waits", async () => {
  const app = await startApp({ settings: { wait_max_ms: 60 } });
  await app.call("acquire_file_lock", { agent: "ann", paths: ["a.ts"] });
  const bound = { wait_seconds_max: 0.06 };
  const queued = await app.call("acquire_file_lock", { agent: "bob", paths: ["a.ts"], wait_seconds: 30 });
  expect(queued).toMatchObject({ outcome: "queued", ...bound });
  expect(await app.call("claim_task", { agent: "bob", wait_seconds: 30 })).toMatchObject({ outcome: "none", ...bound });
  const waited = await app.call("wait_for", { agent: "bob", timeout_seconds: 30 });
  expect(waited).toMatchObject({ timed_out: true, ...bound });
  expect(renderResult(queued).text).toContain("It waited 0.06 s, the longest that one call waits here");
  const short = await app.call("wait_for", { agent: "bob", timeout_seconds: 0.05 });
  expect(short).not.toHaveProperty("wait_seconds_max");
});

test("a denied or queued directory names each holder once, with its files in a directory", async () => {
  const app = await startApp();
  const files = Array.from({ length: 7 }, (_, at) => `src/${at}.ts`);
  for (const file of files) await app.call("acquire_file_lock", { agent: "ann", paths: [file] });
  await app.call("acquire_file_lock", { agent: "cem", paths: ["src/z.ts", "README.md"] });
  const denied = await app.call("acquire_file_lock", { agent: "bob", paths: ["src/", "README.md"] });
  expect(denied.conflicts).toMatchObject([
    { path: "README.md", held_by: "cem" },
    { path: "src/", held_by: "ann", locks: 7, locked_paths: files.slice(0, 5) },
    { path: "src/", held_by: "cem", locked_path: "src/z.ts" },
  ]);
  expect(denied.conflicts_total).toBe(3);
  const { text } = renderResult(denied);
  const [line = ""] = text.split("\n");
  expect(line).toMatch(
    /^Not locked: README\.md, src\/ are held by cem until \S+; 7 locks in src\/ \(src\/0\.ts, .* and 2 more\) are held by ann until \S+\. To wait/,
  );
  const queued = await app.call("acquire_file_lock", { agent: "bob", paths: ["src/"], wait_seconds: 0.05 });
  expect(renderResult(queued).text).toMatch(
    /^Queued, place 1: nothing is locked yet\. 7 locks in src\/ .* by ann until/,
  );
});
