import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { answerHook } from "../../src/app/guard/hook-answers.js";
import { databaseIdentity, socketPath } from "../../src/app/guard/hook-sockets.js";
import { conversationKey, handleOf } from "../../src/base/names.js";
import { VERSION } from "../../src/runtime/version.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { connectClient, type TestClient } from "../support/servers/client.js";
import { stopBetweenWrites } from "../support/servers/stopped.js";
import { until } from "../support/until.js";

const MAIN = path.resolve(import.meta.dirname, "../../dist/main.js");
/** A process between the test and a server: hooks of the test are then those of another client. */
const THROUGH = path.resolve(import.meta.dirname, "../support/servers/parent.mjs");
const SCRIPTS = `process.on("exit", () => process._rawDebug(Object.keys(require.cache).map((file) => "loads " + file).join("\\n")));`;
const DRIVER = /^loads .*node_modules\/(?:better-sqlite3|pg)\//m;

interface Place {
  readonly cwd: string;
  readonly location: string;
  /** Where the sockets are. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

async function placeOn(backend: (typeof BACKENDS)[number]): Promise<Place> {
  const { location } = await createDatabase(backend);
  const cwd = realpathSync(temporaryDirectory());
  const runtime = temporaryDirectory();
  execFileSync("git", ["init", "-q"], { cwd });
  writeFileSync(path.join(cwd, "auth.ts"), "a\n");
  return { cwd, location, directory: path.join(runtime, "baton"), env: { XDG_RUNTIME_DIR: runtime } };
}

/** A server of a client in a conversation, which holds auth.ts. */
async function serverAt({ cwd, location, env }: Place): Promise<TestClient> {
  const server = await connectClient({
    database: location,
    cwd,
    clientName: "claude-code",
    through: THROUGH,
    env: { ...env, CLAUDE_CODE_SESSION_ID: "of-the-server" },
  });
  await server.call("acquire_file_lock", { paths: ["auth.ts"], reason: "a move" });
  return server;
}

function sockets({ directory }: Place): string[] {
  return statSync(directory, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(directory);
}

async function listening(place: Place): Promise<string> {
  return until("a server listens for hooks", () => sockets(place)[0]);
}

/** The hook of an edit in a conversation: what it says, and whether it opens the database itself. */
async function edit({ cwd, location, env }: Place, conversation: string, file = "auth.ts") {
  const home = temporaryDirectory();
  const scripts = path.join(home, "scripts.cjs");
  writeFileSync(scripts, SCRIPTS);
  const database = location.startsWith("postgres") ? { BATON_DATABASE_URL: location } : { BATON_DB: location };
  const child = spawn(process.execPath, ["--require", scripts, MAIN, "guard", "claude-code"], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: home, XDG_CONFIG_HOME: home, ...database, ...env },
  });
  const document = { session_id: conversation, cwd, hook_event_name: "PreToolUse", tool_name: "Edit" };
  child.stdin.end(JSON.stringify({ ...document, tool_input: { file_path: file } }));
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  await once(child, "close");
  return { stdout, opensDatabase: DRIVER.test(stderr), stderr };
}

describe("a hook where a server runs", () => {
  test.each(BACKENDS)("is answered by it, as the client that asks, not as the server's own, on %s", async (backend) => {
    const place = await placeOn(backend);
    const server = await serverAt(place);
    const name = await listening(place);
    const denied = await edit(place, "another");
    expect(denied.stdout).toContain('"permissionDecision":"deny"');
    expect(denied.stdout).toContain("auth.ts is held by claude-code-");
    expect(denied.opensDatabase).toBe(false);
    expect(await edit(place, "of-the-server")).toMatchObject({ stdout: "", opensDatabase: false });
    expect(await edit(place, "another", "own.ts")).toMatchObject({ stdout: "", opensDatabase: false });
    const { locks } = await server.call("list_file_locks", {});
    const own = locks.find(({ path: locked }) => locked === "own.ts");
    expect(own?.agent).toBe(handleOf("claude-code", conversationKey("another")!));
    // All users of the machine see the names of sockets.
    expect(name).toMatch(/^[0-9a-z]+-\d+-[0-9a-z]+$/);
    expect(statSync(place.directory).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(place.directory, name)).mode & 0o777).toBe(0o600);
    await server.close();
    await until("the socket is gone", () => sockets(place).length === 0);
  });

  test("finds it by the person's own configuration too", async () => {
    const place = await placeOn("sqlite");
    await serverAt(place);
    await listening(place);
    const config = temporaryDirectory();
    mkdirSync(path.join(config, "baton"));
    writeFileSync(path.join(config, "baton/baton.json"), `{ "db": ${JSON.stringify(place.location)} } // mine\n`);
    const { stdout, opensDatabase } = await edit(
      { ...place, env: { ...place.env, XDG_CONFIG_HOME: config, BATON_DB: "" } },
      "another",
    );
    expect(stdout).toContain("is held by claude-code-");
    expect(opensDatabase).toBe(false);
  });

  test("asks the database itself where the server is stopped, and where it was killed, whose socket it removes", async () => {
    const place = await placeOn("sqlite");
    const { server } = await serverAt(place);
    const name = await listening(place);
    const pid = Number(name.split("-")[1]);
    await stopBetweenWrites(pid);
    const stopped = await edit(place, "another");
    expect(stopped.stdout).toContain("is held by claude-code-");
    expect(stopped.opensDatabase).toBe(true);
    process.kill(pid, "SIGKILL");
    server.child.kill("SIGKILL");
    await server.ended;
    expect(sockets(place)).toEqual([name]);
    expect((await edit(place, "another")).opensDatabase).toBe(true);
    expect(sockets(place)).toEqual([]);
  });

  test("a server removes the sockets of those that were killed, of any database", async () => {
    const place = await placeOn("sqlite");
    const other = { ...(await placeOn("sqlite")), directory: place.directory, env: place.env };
    const { server } = await serverAt(other);
    const name = await listening(place);
    process.kill(Number(name.split("-")[1]), "SIGKILL");
    server.child.kill("SIGKILL");
    await server.ended;
    await serverAt(place);
    const left = await until("another socket comes", () => {
      const names = sockets(place);
      return names.some((one) => one !== name) && names;
    });
    expect(left).not.toContain(name);
  });

  test.each([
    ["never greets", () => {}],
    ["greets as none of Baton's", (socket: net.Socket) => socket.write("hello\n")],
    ["answers no more", (socket: net.Socket) => socket.write("baton\n")],
    ["answers no JSON", (socket: net.Socket) => socket.write("baton\nyes\n")],
    ["refuses", (socket: net.Socket) => socket.write('baton\n{"error":"this server is of version 0"}\n')],
    ["answers without an end", (socket: net.Socket) => socket.write(`baton\n${"x".repeat(1_000_000)}`)],
    ["answers what nobody asked", (socket: net.Socket) => socket.write('baton\n{"value":1}\n')],
    ["hangs up", (socket: net.Socket) => socket.end("baton\n")],
  ])("asks the database itself where a server %s", async (_, serve) => {
    const place = await placeOn("sqlite");
    const server = await serverAt({ ...place, env: { XDG_RUNTIME_DIR: temporaryDirectory() } });
    mkdirSync(place.directory, { mode: 0o700 });
    await listenAt(place, serve);
    const { stdout, opensDatabase } = await edit(place, "another");
    expect(stdout).toContain("is held by claude-code-");
    expect(opensDatabase).toBe(true);
    await server.close();
  });

  test("trusts no directory that others may enter, nor does a server", async () => {
    const place = await placeOn("sqlite");
    mkdirSync(place.directory);
    chmodSync(place.directory, 0o711);
    const server = await serverAt(place);
    let asked = 0;
    await listenAt(place, () => (asked += 1));
    expect((await edit(place, "another")).opensDatabase).toBe(true);
    expect(asked).toBe(0);
    expect(sockets(place)).toHaveLength(1);
    await server.close();
  });

  test("a server that may only read answers none", async () => {
    const place = await placeOn("sqlite");
    const before = { ...place, env: { XDG_RUNTIME_DIR: temporaryDirectory() } };
    await (await serverAt(before)).close();
    const { location: database, cwd, env } = place;
    await connectClient({ database, cwd, args: ["--read-only"], env, through: THROUGH });
    // It came later, so the other would have its socket too.
    const later = await connectClient({ database, cwd, env });
    expect((await listening(place)).split("-")[1]).toBe(String(later.server.pid));
    expect(sockets(place)).toHaveLength(1);
  });

  test("a server goes on where what comes over its socket is no hook's", async () => {
    const place = await placeOn("sqlite");
    const server = await serverAt(place);
    const file = path.join(place.directory, await listening(place));
    expect(await lineTo(file, "no JSON\n")).toContain('"error"');
    expect(await lineTo(file, `{"version":"${VERSION}","ask":"close"}\n`)).toContain('"error"');
    expect(await lineTo(file, `{"version":"${VERSION}","ask":"`.padEnd(400_000, "x"))).toBe("");
    const silent = Array.from({ length: 30 }, () => net.connect(file).on("error", () => {}));
    await Promise.all(silent.map((socket) => once(socket, "connect")));
    const crowded = await edit(place, "another");
    expect(crowded.stdout).toContain("is held by claude-code-");
    expect(crowded.opensDatabase).toBe(true);
    for (const socket of silent) socket.destroy();
    expect((await server.call("list_file_locks", {})).locks).toHaveLength(1);
    await until("a hook is answered again", async () => !(await edit(place, "another")).opensDatabase);
  });
});

describe("a server asked by a hook", () => {
  const asked = {
    identity: "sqlite 1 2",
    store: () => Promise.reject(new Error("it is not opened")),
    settings: () => ({}),
  };
  const request = { version: VERSION, host: "none", database: "sqlite 1 2", ask: "holdings", places: [] };
  const origin = { ancestors: [] };

  test.each([
    ["of another version", { ...request, version: "0.0.0", origin }, /^this server is of version/],
    ["of another machine", { ...request, origin }, /another database/],
    ["for another database", { ...request, database: "sqlite 1 3", origin }, /another database/],
  ])("refuses one %s before it opens anything", async (_, line, why) => {
    expect(await answerHook(JSON.stringify(line), asked as never)).toEqual({ error: expect.stringMatching(why) });
  });

  test("a database of PostgreSQL is told without its password, and by the variables that say where it is", () => {
    const at = (url: string) => databaseIdentity({ kind: "postgres", url, connections: 1 });
    expect(at("postgres://me:secret@host/db?password=secret")).not.toContain("secret");
    expect(at("postgres://me:secret@host/db")).toBe(at("postgres://me:changed@host/db"));
    expect(at("postgres://me@host/db")).not.toBe(at("postgres://me@host/other"));
    const before = at("postgres:///db");
    process.env["PGHOST"] = "elsewhere";
    onTestFinished(() => void delete process.env["PGHOST"]);
    expect(at("postgres:///db")).not.toBe(before);
  });

  test("a path too long for a socket is none", () => {
    expect(socketPath(`/${"d".repeat(90)}`, "sqlite 1 2", "1-1")).toBeUndefined();
    expect(socketPath("/run/user/1000/baton", "sqlite 1 2", "1-1")).toBeDefined();
  });
});

/** Serves a socket of the place's database in this process. */
async function listenAt({ directory, location }: Place, serve: (socket: net.Socket) => unknown): Promise<void> {
  const identity = databaseIdentity({ kind: "sqlite", file: location, synchronous: "FULL", isDefault: false });
  const sent = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sent.add(socket);
    socket.on("error", () => {});
    void serve(socket);
  });
  server.listen(socketPath(directory, identity!, "1-1"));
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sent) socket.destroy();
    server.close();
  });
}

/** Returns what a server says to a line, after its greeting, until it ends the connection or has said a line. */
async function lineTo(file: string, line: string): Promise<string> {
  const socket = net.connect(file);
  let text = "";
  await new Promise<void>((resolve) => {
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.split("\n").length > 2) socket.destroy();
    });
    socket.on("error", () => {}).on("close", () => resolve());
    socket.write(line);
  });
  return text.replace("baton\n", "");
}
