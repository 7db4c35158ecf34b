import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { contentFilesOf } from "../../src/app/connection.js";
import { exportStore, importStore } from "../../src/app/transfers.js";
import { int, only, sole } from "../../src/store/rows.js";
import {
  type Backend,
  BACKENDS,
  createDatabase,
  ownRuntime,
  temporaryDirectory,
} from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestApp } from "../support/servers/app.js";

const DAY_MS = 86_400_000;
/** More than rows hold on SQLite. */
const LARGE = Buffer.from(randomBytes(100_000));
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

async function crewOn(backend: Backend): Promise<Crew> {
  const app = await startAppOn(backend);
  await app.call("create_project", { name: "demo", root: app.cwd });
  return new Crew(app);
}

const contentFile = (app: TestApp, hash: string) => path.join(`${app.database}-artifacts`, hash.slice(0, 2), hash);

describe.each(BACKENDS)("an artifact on %s", (backend) => {
  test("is a version of its name in its run, and the same content is the same version", async () => {
    const { app, ...crew } = await crewOn(backend).then((one) => ({ app: one.app, start: one.start.bind(one) }));
    const { run } = await crew.start([{ key: "design" }], { project: "demo" });
    const task = `${run.id}/design`;
    const put = (content: string) => app.call("put_artifact", { task, name: "design.md", content, agent: "ann" });
    const first = await put("# One");
    expect(first).toMatchObject({
      created: true,
      artifact: {
        name: "design.md",
        version: 1,
        type: "markdown",
        bytes: 5,
        hash: sha256(Buffer.from("# One")),
        from: "ann",
      },
    });
    expect(await put("# One")).toEqual({ created: false, artifact: first.artifact });
    expect((await put("# Two")).artifact).toMatchObject({ version: 2, run: run.id });
    expect((await put("# One")).artifact).toMatchObject({ version: 3, hash: first.artifact.hash });

    const newest = await app.call("get_artifact", { artifact: "design.md", run: run.id });
    expect(newest).toMatchObject({ artifact: { version: 3 }, content: { encoding: "utf8", text: "# One", total: 5 } });
    const second = await app.call("get_artifact", { artifact: "design.md", version: 2, run: run.id });
    expect(second.content?.text).toBe("# Two");
    const { artifacts } = await app.call("list_artifacts", { run: run.id, limit: 2 });
    expect(artifacts.map(({ version }) => version)).toEqual([3, 2]);
    const { events } = await app.call("list_events", { run: run.id, types: ["artifact.created"] });
    expect(events.map(({ data }) => data["version"])).toEqual([1, 2, 3]);
    await expect(app.call("get_artifact", { artifact: "desing.md", run: run.id })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining('did you mean "design.md"'),
    });
  });

  test("is named in the briefs of the tasks that need its task, with the call that reads it", async () => {
    const crew = await crewOn(backend);
    const { app } = crew;
    const steps = [{ key: "design" }, { key: "data" }, { key: "build", needs: ["design", "data"] }, { key: "other" }];
    const { run } = await crew.start(steps, { project: "demo" });
    const held = [await crew.take("ann", { run: run.id }), await crew.take("ben", { run: run.id })];
    const put = async (at: number, name: string, content: string) =>
      (await app.call("put_artifact", { agent: "ann", task: held[at]!.id, name, content })).artifact;
    await put(0, "design.md", "# One");
    const design = await put(0, "design.md", "# Two");
    await app.call("validate_artifact", { artifact: design.id });
    for (let i = 0; i < 20; i++) await put(1, `part-${String(i).padStart(2, "0")}.txt`, `${i}`);
    await app.call("put_artifact", { agent: "ann", run: run.id, name: "of-no-task.txt", content: "x" });
    for (const one of held) await crew.complete(one);
    const { task } = await crew.claim("cleo", { run: run.id });
    expect(task!.key).toBe("build");
    expect((await crew.claim("dora", { run: run.id })).task).not.toHaveProperty("artifacts");
    expect(task!.artifacts).toHaveLength(20);
    expect(task!.artifacts![0]).toMatchObject({ name: "part-19.txt", version: 1, of: "data", from: "ann" });
    expect(task!.artifacts_rest).toMatchObject({ arguments: { name: "list_artifacts", arguments: { run: run.id } } });
    const { tool, arguments: given } = task!.artifacts_read!;
    const read = await app.callUnchecked(tool, given);
    expect(read).toMatchObject({ result: { artifact: { name: "part-19.txt" }, content: { text: "19" } } });
    const next = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }], { project: "demo" });
    const first = await crew.take("ann", { run: next.run.id });
    await app.call("put_artifact", { agent: "ann", task: first.id, name: "design.md", content: "# Two" });
    await crew.complete(first);
    expect((await crew.claim("ann", { run: next.run.id })).task!.artifacts).toMatchObject([
      { name: "design.md", version: 1, type: "markdown", bytes: 5, of: "a", from: "ann" },
    ]);
  });

  test("outlives the retention in its newest version alone, where it is a project's own", async () => {
    const { app } = await crewOn(backend);
    const put = (name: string, content: string) => app.call("put_artifact", { project: "demo", name, content });
    await put("plan.md", "# One");
    await put("alone.md", "# Alone");
    const { artifact } = await put("plan.md", "# Two");
    await app.advance(89 * DAY_MS);
    await app.advance(3_600_001);
    const names = async () =>
      (await app.call("list_artifacts", { project: "demo" })).artifacts.map(
        ({ name, version }) => `${name} ${version}`,
      );
    expect(await names()).toEqual(["plan.md 2", "alone.md 1", "plan.md 1"]);
    await app.advance(2 * DAY_MS);
    expect(await names()).toEqual(["plan.md 2", "alone.md 1"]);
    expect((await app.call("get_artifact", { artifact: artifact.id })).content?.text).toBe("# Two");
  });

  test("keeps every byte, in rows or in a file, and is read in parts", async () => {
    const { app } = await crewOn(backend);
    const odd = "a\r\n\u001b[31m\u202E𝄞";
    const small = await app.call("put_artifact", { project: "demo", name: "odd.txt", content: odd });
    expect((await app.call("get_artifact", { artifact: small.artifact.id })).content?.text).toBe(odd);

    const content = LARGE.toString("base64");
    const { artifact } = await app.call("put_artifact", { project: "demo", name: "big", content, encoding: "base64" });
    expect(artifact).toMatchObject({ text: false, type: "binary", bytes: LARGE.length, hash: sha256(LARGE) });
    const parts: string[] = [];
    for (let offset: number | undefined = 0; offset !== undefined;) {
      const part: { text: string; next_offset?: number | undefined } = (
        await app.call("get_artifact", { artifact: artifact.id, offset })
      ).content!;
      parts.push(part.text);
      offset = part.next_offset;
    }
    expect(parts).toHaveLength(4);
    expect(Buffer.from(parts.join(""), "base64").equals(LARGE)).toBe(true);
    if (backend === "postgres") return;
    const file = contentFile(app, artifact.hash);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${app.database}-artifacts`).mode & 0o777).toBe(0o700);
    rmSync(file);
    await expect(app.call("get_artifact", { artifact: artifact.id })).rejects.toMatchObject({ code: "unavailable" });
    await app.call("put_artifact", { project: "demo", name: "big", content, encoding: "base64" });
    expect((await app.call("get_artifact", { artifact: artifact.id })).content?.total).toBe(content.length);
  });

  test("is read from a file of the project, and from nowhere else", async () => {
    const { app } = await crewOn(backend);
    const outside = temporaryDirectory();
    mkdirSync(path.join(app.cwd, "docs"));
    mkdirSync(path.join(app.cwd, ".git"));
    for (const [directory, name] of [
      [app.cwd, "docs/a.md"],
      [app.cwd, ".git/config"],
      [outside, "secret"],
    ] as const)
      writeFileSync(path.join(directory, name), "text");
    symlinkSync(path.join(outside, "secret"), path.join(app.cwd, "link"));
    const put = (given: string) => app.call("put_artifact", { project: "demo", name: "a", path: given });
    expect((await put("docs/../docs/a.md")).artifact).toMatchObject({ path: "docs/a.md", bytes: 4 });
    for (const [given, why] of [
      [path.join(outside, "secret"), "outside"],
      ["../../etc/passwd", "outside"],
      ["link", "outside"],
      [".git/config", "git's own"],
      ["docs", "no regular file"],
      ["docs/none.md", "does not exist"],
    ] as const)
      await expect(put(given)).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining(why),
      });
    const { artifacts } = await app.call("list_artifacts", { project: "demo" });
    expect(artifacts).toHaveLength(1);
  });

  test("is refused where it is too large, in two minds, or no base64", async () => {
    const { location } = await createDatabase(backend);
    const app = await startApp({ database: location, settings: { artifact_bytes_max: 10 } });
    await app.call("create_project", { name: "demo", root: app.cwd });
    writeFileSync(path.join(app.cwd, "large"), "x".repeat(11));
    const put = (given: object) => app.callUnchecked("put_artifact", { project: "demo", name: "a", ...given });
    const tooLarge = { code: "limit_exceeded", message: expect.stringContaining("artifact_bytes_max") };
    await expect(put({ content: "x".repeat(11) })).rejects.toMatchObject(tooLarge);
    await expect(put({ path: "large" })).rejects.toMatchObject(tooLarge);
    for (const given of [
      {},
      { content: "a", path: "large" },
      { content: "a=b", encoding: "base64" },
      { name: "a\n", content: "a" },
    ])
      await expect(put(given)).rejects.toMatchObject({ code: "invalid_input" });
    writeFileSync(path.join(app.cwd, "empty"), "");
    expect((await put({ path: "empty" }))["artifact"]).toMatchObject({ bytes: 0, text: true });
    expect((await app.call("get_artifact", { artifact: "a", project: "demo" })).content).toMatchObject({
      text: "",
      total: 0,
    });
  });

  test("comes with the completion of its task, once, however often that is called", async () => {
    const crew = await crewOn(backend);
    const { app } = crew;
    const { run } = await crew.start([{ key: "build" }], { project: "demo" });
    writeFileSync(path.join(app.cwd, "out.txt"), "built");
    const { id, token } = await crew.take("ann", { run: run.id });
    const artifacts = [
      { name: "log", path: "out.txt" },
      { name: "report.json", content: "{}" },
    ];
    const complete = () => app.call("complete_task", { task: id, token, agent: "ann", artifacts, request_id: "done" });
    await expect(
      app.call("complete_task", { task: id, token, agent: "ann", artifacts: [{ name: "x", file: "out.txt" }] }),
    ).rejects.toMatchObject({ code: "invalid_input", message: expect.stringContaining("artifacts.0") });
    const done = await complete();
    expect(done.artifacts).toMatchObject([
      { name: "log", version: 1 },
      { name: "report.json", version: 1 },
    ]);
    rmSync(path.join(app.cwd, "out.txt"));
    expect(await complete()).toEqual(done);
    const listed = await app.call("list_artifacts", { task: id });
    expect(listed.artifacts.map((one) => [one.name, one.attempt, one.from])).toEqual([
      ["report.json", 1, "ann"],
      ["log", 1, "ann"],
    ]);
  });

  test("is what becomes of a result over the inline bound, with a stub in its place", async () => {
    const { location: database } = await createDatabase(backend);
    const app = await startApp({ database });
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    const result = { rows: "x".repeat(300_000) };
    const { id, token } = await crew.take("ann", { run: run.id });
    const complete = (given: unknown) => app.call("complete_task", { task: id, token, agent: "ann", result: given });
    await complete(result);
    const { artifacts } = await app.call("list_artifacts", { task: id });
    expect(artifacts).toMatchObject([{ type: "result", name: "a/result.json" }]);
    const whole = artifacts[0]!;
    const stub = (await app.call("get_task", { task: id, include: ["result"] })).result;
    expect(stub).toMatchObject({ artifact: whole.id, hash: whole.hash, bytes: 300_011 });
    expect(stub).toMatchObject({ preview: expect.stringMatching(/^\{"rows":"x{990}/) });
    await complete(result);
    await expect(complete({ rows: "y".repeat(300_000) })).rejects.toMatchObject({ code: "conflict" });
    expect((await crew.claim("ben", { run: run.id })).task?.dependencies).toMatchObject([
      { result: { artifact: whole.id } },
    ]);
  });

  test("counts no longer once its run is taken back to before it, and a fork has those of then", async () => {
    const crew = await crewOn(backend);
    const { app } = crew;
    const { run } = await crew.start([{ key: "a" }], { project: "demo" });
    const put = (content: string) => app.call("put_artifact", { task: `${run.id}/a`, name: "a.md", content });
    await put("one");
    const { checkpoint } = await app.call("create_checkpoint", { run: run.id });
    const { artifact: later } = await put("two");
    const forked = await app.call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "fork" });
    const fork = { artifact: "a.md", run: forked.run.id };
    expect((await app.call("get_artifact", fork)).content?.text).toBe("one");
    expect((await app.call("list_artifacts", { task: `${forked.run.id}/a` })).artifacts).toHaveLength(1);

    await app.call("resume_from_checkpoint", { checkpoint: checkpoint.id, as: "in_place" });
    const newest = () => app.call("get_artifact", { artifact: "a.md", run: run.id });
    expect(await newest()).toMatchObject({ artifact: { version: 1 }, content: { text: "one" } });
    expect((await app.call("get_artifact", { artifact: later.id })).artifact).toMatchObject({ superseded: true });
    expect((await put("two")).artifact.version).toBe(3);
    expect((await newest()).content?.text).toBe("two");
  });

  test("goes with its run, and its content with its last artifact", async () => {
    const crew = await crewOn(backend);
    const { app } = crew;
    const content = LARGE.toString("base64");
    const { run } = await crew.start([{ key: "a" }], { project: "demo" });
    const held = await crew.take("ann", { run: run.id });
    const big = { content, encoding: "base64" as const };
    const { artifact } = await app.call("put_artifact", { task: held.id, name: "big", ...big });
    const kept = await app.call("put_artifact", { project: "demo", name: "kept", content: "kept" });
    await app.call("put_artifact", { task: held.id, name: "kept", content: "kept" });
    await crew.complete(held);
    const store = await app.app.store();
    const rows = async (table: string) =>
      store.read(() => sole(only("rows", int), [`SELECT count(*) AS rows FROM ${table}`]));
    expect(await rows("artifact_contents")).toBe(2);
    if (backend === "sqlite") utimesSync(contentFile(app, artifact.hash), 1, 1);
    await app.advance(91 * DAY_MS);
    await app.advance(6_000);
    expect([await rows("artifacts"), await rows("artifact_contents")]).toEqual([1, 1]);
    expect((await app.call("get_artifact", { artifact: kept.artifact.id })).content?.text).toBe("kept");
    await app.advance(3_600_000);
    // On PostgreSQL there never was one.
    expect(existsSync(contentFile(app, artifact.hash))).toBe(false);
  });

  test("moves with an export, from a file beside the database into rows of another", async () => {
    const { app } = await crewOn(backend);
    const content = LARGE.toString("base64");
    const { artifact } = await app.call("put_artifact", { project: "demo", name: "big", content, encoding: "base64" });
    const file = path.join(temporaryDirectory(), "all.jsonl");
    await exportStore(await app.app.store(), file, await contentFilesOf(app.app.config.database));
    for (const other of BACKENDS) {
      const empty = await createDatabase(other);
      await importStore(await empty.open(), file);
      const there = await startApp({ database: empty.location, runtime: ownRuntime() });
      const read = await there.call("get_artifact", { artifact: artifact.id });
      expect(read).toMatchObject({ artifact, content: { total: content.length } });
    }
  });
});

test("a refused artifact leaves no file, and bytes beside the database count against the quota", async () => {
  const app = await startApp({ settings: { agent_bytes_per_hour_max: 150_000 } });
  await app.call("create_project", { name: "demo", root: app.cwd });
  const put = (name: string, data: Buffer) =>
    app.call("put_artifact", { project: "demo", name, content: data.toString("base64"), encoding: "base64" });
  const { artifact } = await put("a", LARGE);
  const other = Buffer.from(randomBytes(100_000));
  await expect(put("b", other)).rejects.toMatchObject({ code: "limit_exceeded" });
  await expect(put("c\n", LARGE)).rejects.toMatchObject({ code: "invalid_input" });
  expect(existsSync(contentFile(app, sha256(other)))).toBe(false);
  expect(existsSync(contentFile(app, artifact.hash))).toBe(true);
});

test("two processes that put one content at the same time store it once", async () => {
  const { app } = await crewOn("sqlite");
  const other = await startApp({ database: app.database, cwd: app.cwd, runtime: ownRuntime() });
  const content = LARGE.toString("base64");
  const put = (by: TestApp, name: string) =>
    by.call("put_artifact", { project: "demo", name, content, encoding: "base64" });
  const all = await Promise.all([put(app, "a"), put(other, "b"), put(app, "c"), put(other, "d")]);
  expect(new Set(all.map(({ artifact }) => artifact.hash)).size).toBe(1);
  const directory = path.dirname(contentFile(app, all[0].artifact.hash));
  expect(readdirSync(directory)).toHaveLength(1);
});
