import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { isRunning } from "../../support/fixtures/command-fixture.js";
import { BACKENDS, createDatabase, temporaryDirectory, ownRuntime } from "../../support/databases/databases.js";
import {
  call,
  everything,
  filesystem,
  odd,
  oddHttp,
  openToolFixture,
  pidsOf,
  startEverything,
} from "../../support/fixtures/tool-fixture.js";
import { bestOfFew } from "../../support/in-time.js";
import { until } from "../../support/until.js";

const ONCE = { retry: { max_attempts: 1 } };
/** Another branch of a run. */
const OTHERS = [
  { key: "fine", kind: "command", run: "true" },
  { key: "after", kind: "command", run: "true", needs: ["fine"] },
];
const AGAIN = { retry: { max_attempts: 3, initial_interval_ms: 1 } };

describe.each(BACKENDS)("a tool step on %s", (backend) => {
  test("calls a real server's tool, and what it answers is the next one's value, with its type", async () => {
    const root = temporaryDirectory();
    const fixture = await openToolFixture(
      { everything, files: filesystem(root) },
      { database: (await createDatabase(backend)).location },
    );
    const { run, warnings } = await fixture.start(
      [
        call("weather: everything/get-structured-content", { location: "${{ inputs.city }}" }),
        call(
          "sum: everything/get-sum",
          { a: "${{ steps.weather.output.temperature }}", b: "${{ size(inputs.city) }}" },
          { needs: ["weather"] },
        ),
        call(
          "note: files/write_file",
          { path: path.join(root, "note.txt"), content: "${{ inputs.city }}: ${{ steps.sum.output[0].text }}" },
          { needs: ["sum"] },
        ),
        call("read: files/read_text_file", { path: path.join(root, "note.txt") }, { needs: ["note"] }),
      ],
      { inputs: { city: { type: "string" } }, given: { city: "Chicago" } },
    );
    expect(warnings).toEqual([]);
    expect(await fixture.ended(run)).toBe("succeeded");
    expect((await fixture.task(run, "weather")).result).toEqual({
      temperature: 36,
      conditions: expect.any(String),
      humidity: 82,
    });
    expect((await fixture.task(run, "sum")).result).toEqual([
      { type: "text", text: expect.stringMatching(/36 and 7 is 43/) },
    ]);
    const written = readFileSync(path.join(root, "note.txt"), "utf8");
    expect(written).toMatch(/^Chicago: .* 43/);
    expect((await fixture.task(run, "read")).result).toEqual({ content: written });
    expect((await fixture.task(run, "read")).attempts).toMatchObject([
      { outcome: "succeeded", agent: expect.stringMatching(/^executor-/) },
    ]);
  });

  test("that is cancelled with its run tells the server, whose other calls go on", async () => {
    const { server, log } = odd("waits");
    const fixture = await openToolFixture(
      { odd: server, everything },
      { database: (await createDatabase(backend)).location },
    );
    const { run } = await fixture.start([call("a: odd/do")]);
    const other = await fixture.start([call("b: everything/echo", { message: "on" })]);
    await until("it is called", () => log().some((line) => line.startsWith("call")));
    await fixture.app.call("control_run", { run, action: "cancel" });
    expect(await fixture.ended(run)).toBe("cancelled");
    await until("it is told", () => log().some((line) => line.startsWith("notifications/cancelled")));
    expect((await fixture.task(run)).attempts).toMatchObject([{ outcome: "cancelled" }]);
    expect(await fixture.ended(other.run)).toBe("succeeded");
    expect(pidsOf(log()).filter(isRunning)).toHaveLength(1);
  });
});

test("text from inputs and results is data to a tool: it changes neither the tool nor its other arguments", async () => {
  const root = temporaryDirectory();
  const fixture = await openToolFixture({ everything, files: filesystem(root) });
  const hostile = `"}, "path": "/etc/x" $(touch owned) \${{ steps.x.output }} {{ x }}\n</result> ignore all of this`;
  const { run } = await fixture.start(
    [
      call("echo: everything/echo", { message: "${{ inputs.text }}" }),
      call(
        "write: files/write_file",
        { path: path.join(root, "a"), content: "${{ steps.echo.output[0].text }}" },
        { needs: ["echo"] },
      ),
    ],
    { inputs: { text: { type: "string" } }, given: { text: hostile } },
  );
  expect(await fixture.ended(run)).toBe("succeeded");
  expect(readFileSync(path.join(root, "a"), "utf8")).toBe(`Echo: ${hostile}`);
});

describe("a call that fails", () => {
  test("says in whose words, and is tried again as its policy and its kind say", async () => {
    const root = temporaryDirectory();
    const fixture = await openToolFixture({ everything, files: filesystem(root) });
    const { run } = await fixture.start([
      call("error: files/read_text_file", { path: path.join(root, "none") }, AGAIN),
      call("unknown: everything/ecko", {}, AGAIN),
      call("fine: everything/echo", { message: "unharmed" }),
      call("after: everything/echo", { message: "reached" }, { needs: ["fine"] }),
    ]);
    await until("both were tried", async () => {
      await fixture.app.advance(1_000);
      return (await fixture.task(run, "error")).task.status === "dead_letter";
    });
    expect(await fixture.ended(run)).toBe("failed");
    const error = await fixture.task(run, "error");
    expect(error.attempts).toHaveLength(3);
    expect(error.attempts[0]?.error).toMatchObject({ type: "tool_error", message: expect.stringContaining("ENOENT") });
    const unknown = await fixture.task(run, "unknown");
    expect(unknown.attempts).toMatchObject([
      { error: { type: "tool_not_found", message: expect.stringMatching(/no tool "ecko" \(did you mean "echo"\?\)/) } },
    ]);
    expect((await fixture.task(run, "after")).task.status).toBe("succeeded");
  });

  test("by its result is not the task's result: too large, or not what the step promises", async () => {
    const root = temporaryDirectory();
    writeFileSync(path.join(root, "large"), "x".repeat(10_000));
    const settings = { payload_bytes_max: 4_096 };
    const fixture = await openToolFixture({ everything, files: filesystem(root) }, { settings });
    const output = { type: "object", required: ["wind"] };
    const { run } = await fixture.start([
      call("large: files/read_text_file", { path: path.join(root, "large") }, AGAIN),
      call("other: everything/get-structured-content", { location: "Chicago" }, { ...ONCE, output }),
    ]);
    expect(await fixture.ended(run)).toBe("failed");
    const large = await fixture.task(run, "large");
    expect(large.attempts).toMatchObject([
      { error: { type: "result_too_large", message: expect.stringMatching(/10\d\d\d bytes, .* at most 4096/) } },
    ]);
    expect((await fixture.task(run, "other")).attempts).toMatchObject([
      { error: { type: "invalid_output", message: expect.stringMatching(/asks: result\.wind: [^.]*$/) } },
    ]);
  });
});

describe("a server that", () => {
  test.each([
    ["exits", "server_unavailable", /ended \(exit code 3\); its stderr ends with:\nno such database: \[redacted\]/],
    ["silent", "server_unavailable", /was not ready within 1000 ms/, 1_000],
    ["garbage", "invalid_answer", /lines that are not messages, the first: Listening for requests/],
    ["endless", "invalid_answer", /a line of more than 10485760 bytes/],
    ["misshapen", "invalid_answer", /returned an invalid answer to a call/],
    ["unlistable", "invalid_answer", /does not list its tools: .*no such cursor/],
    ["refuses", "invalid_arguments", /refused the arguments: .*x must be a number \(\[redacted\]\)/],
    ["dies", "server_unavailable", /ended \(exit code 1\); its stderr ends with:\nout of memory \(\[redacted\]\)/],
  ])("%s fails its own step, clearly, and nothing else", async (...[way, type, message, startMs = 30_000]) => {
    const { server, log } = odd(way, { TOKEN: "hunter-2-of-the-night" });
    const fixture = await openToolFixture(
      { odd: server },
      { allow: true, settings: { mcp_start_timeout_ms: startMs } },
    );
    const { run } = await fixture.start([call("odd: odd/do", {}, ONCE), ...OTHERS]);
    expect(await fixture.ended(run)).toBe("failed");
    const { attempts } = await fixture.task(run, "odd");
    expect(attempts).toMatchObject([{ error: { type, message: expect.stringMatching(message) } }]);
    expect(attempts[0]?.error?.message).toContain('the MCP server "odd"');
    expect(JSON.stringify(await fixture.task(run, "odd"))).not.toContain("hunter-2");
    expect((await fixture.task(run, "after")).task.status).toBe("succeeded");
    if (!["misshapen", "refuses", "unlistable"].includes(way))
      await until("it is gone", () => !pidsOf(log()).some(isRunning));
  });

  test("logs to stdout is understood all the same", async () => {
    const fixture = await openToolFixture({ odd: odd("chatty").server });
    const { run } = await fixture.start([call("a: odd/do")]);
    expect(await fixture.ended(run)).toBe("succeeded");
    expect((await fixture.task(run)).result).toEqual([{ type: "text", text: "well" }]);
  });

  test("is not there at all, over HTTP or as a program, is said to be so without its address", async () => {
    const http = { url: "http://127.0.0.1:9/secret-path/mcp", headers: { Authorization: "Bearer abcdefgh12345" } };
    const fixture = await openToolFixture({ http, none: { command: "/no/such/program" } });
    const { run } = await fixture.start([call("http: http/do", {}, ONCE), call("none: none/do", {}, ONCE)]);
    expect(await fixture.ended(run)).toBe("failed");
    const [first] = (await fixture.task(run, "http")).attempts;
    expect(first?.error).toMatchObject({ type: "server_unavailable", message: expect.stringContaining("cannot be") });
    expect(first?.error?.message).not.toMatch(/secret-path|abcdefgh/);
    expect((await fixture.task(run, "none")).attempts).toMatchObject([
      { error: { type: "server_unavailable", message: expect.stringContaining("ENOENT") } },
    ]);
  });
});

describe("a server over HTTP that", () => {
  test.each([
    ["page", "invalid_answer", "does not speak MCP"],
    ["no json", "invalid_answer", "invalid answer"],
    ["no message", "invalid_answer", "invalid answer"],
    ["no events", "server_unavailable", "ended its stream without an answer"],
    ["endless", "invalid_answer", "more than 10485760 bytes"],
    ["closed", "server_unavailable", "who are you"],
    ["silent", "server_unavailable", "was not ready within 1000 ms", 1_000],
  ] as const)(
    "answers with %s fails its own step, clearly, and nothing else",
    async (...[way, type, message, startMs]: readonly [Parameters<typeof oddHttp>[0], string, string, number?]) => {
      const server = await oddHttp(way);
      const web = { url: server.url, headers: { Authorization: "Bearer abcdefgh12345" } };
      const fixture = await openToolFixture(
        { web },
        { allow: true, settings: { mcp_start_timeout_ms: startMs ?? 30_000 } },
      );
      const { run } = await fixture.start([call("web: web/do", {}, ONCE), ...OTHERS]);
      expect(await fixture.ended(run)).toBe("failed");
      const [attempt] = (await fixture.task(run, "web")).attempts;
      expect(attempt?.error).toMatchObject({ type, message: expect.stringContaining(message) });
      expect(attempt?.error?.message).not.toMatch(/abcdefgh|127\.0\.0\.1/);
      expect(server.headers[0]).toBe("Bearer abcdefgh12345");
      expect((await fixture.task(run, "after")).task.status).toBe("succeeded");
    },
  );
});

describe("a server that is killed with -9", () => {
  test("between two calls is started again by the next", async () => {
    const fixture = await openToolFixture({ everything });
    const pid = async (): Promise<number> => {
      const { run } = await fixture.start([call("a: everything/get-env", {}, AGAIN)]);
      // A call made before the loss of the server is noticed is tried again.
      await until("it has answered", async () => {
        await fixture.app.advance(10);
        return (await fixture.task(run)).task.status === "succeeded";
      });
      const [content] = (await fixture.task(run)).result as { text: string }[];
      return serverOf(markIn(content?.text ?? ""));
    };
    const first = await pid();
    expect(await pid()).toBe(first);
    process.kill(first, "SIGKILL");
    await until("it is gone", () => !isRunning(first));
    const second = await pid();
    expect(second).not.toBe(first);
  });

  test("during a call fails that attempt, and the next one has a new server", async () => {
    const { server, log } = odd("waits");
    const fixture = await openToolFixture({ odd: server });
    const { run } = await fixture.start([call("a: odd/do", {}, AGAIN)]);
    await until("it is called", () => log().some((line) => line.startsWith("call")));
    const [first = 0] = pidsOf(log());
    process.kill(first, "SIGKILL");
    await until("the attempt has failed", async () => (await fixture.task(run)).attempts.length === 1);
    expect((await fixture.task(run)).attempts).toMatchObject([
      { error: { type: "server_unavailable", message: expect.stringContaining("ended (SIGKILL)") } },
    ]);
    await fixture.app.advance(1_000);
    await until("it is called again", () => log().filter((line) => line.startsWith("call")).length === 2);
    expect(pidsOf(log())).toHaveLength(2);
  });

  test("over HTTP likewise", async () => {
    const server = await startEverything();
    const fixture = await openToolFixture({ web: { type: "streamable-http", url: server.url } });
    const slow = call("a: web/trigger-long-running-operation", { duration: 20, steps: 1 }, AGAIN);
    const { run } = await fixture.start([slow]);
    await until("it is called", async () => (await fixture.task(run)).task.status === "running");
    await until("it is connected", () => server.stdout().includes("Establishing new SSE stream"));
    process.kill(server.pid, "SIGKILL");
    await until("the attempt has failed", async () => (await fixture.task(run)).attempts.length === 1);
    expect((await fixture.task(run)).attempts).toMatchObject([{ error: { type: "server_unavailable" } }]);
    await fixture.app.call("control_run", { run, action: "cancel" });
    // Another process on the same port knows nothing of the session before.
    await startEverything(server.port);
    const again = await fixture.start([call("b: web/echo", { message: "again" }, AGAIN)]);
    await until("it has answered", async () => {
      await fixture.app.advance(1_000);
      return (await fixture.task(again.run, "b")).task.status === "succeeded";
    });
  });
});

describe("connections", () => {
  test("are one for each server, shared by all its calls, and closed when there is nothing to do", async () => {
    const { server, log } = odd("chatty");
    const fixture = await openToolFixture({ odd: server }, { settings: { mcp_idle_ms: 100 } });
    expect(log()).toEqual([]);
    const { run } = await fixture.start(Array.from({ length: 8 }, (_, at) => call(`s${at}: odd/do`)));
    expect(await fixture.ended(run)).toBe("succeeded");
    expect(pidsOf(log())).toHaveLength(1);
    await until("it is closed", () => !pidsOf(log()).some(isRunning));
    const next = await fixture.start([call("a: odd/do")]);
    expect(await fixture.ended(next.run)).toBe("succeeded");
    expect(pidsOf(log())).toHaveLength(2);
  });

  test("end with their process, whose calls are interrupted and tried again by another one", () =>
    bestOfFew(async (inTime) => {
      const { server, log } = odd("hangs");
      const first = await openToolFixture({ odd: server });
      const { run } = await first.start([call("a: odd/do")]);
      await until("it is called", () => pidsOf(log()).length === 2);
      const from = performance.now();
      await first.app.close();
      inTime(2_000, from);
      expect(pidsOf(log()).filter(isRunning)).toEqual([]);
      const runtime = ownRuntime();
      const second = await openToolFixture(
        { odd: odd("chatty").server },
        { database: first.app.database, cwd: first.app.cwd, runtime },
      );
      await second.app.advance(60_000);
      expect(await second.ended(run)).toBe("succeeded");
      const { attempts } = await second.task(run);
      expect(attempts.map(({ outcome, error }) => error?.type ?? outcome)).toEqual(["interrupted", "succeeded"]);
    }));

  test("of Streamable HTTP hold a session that is given back", async () => {
    const server = await startEverything();
    const fixture = await openToolFixture({ web: { url: server.url } });
    const { run } = await fixture.start([
      call("a: web/get-structured-content", { location: "New York" }),
      call("b: web/get-sum", { a: 1, b: "${{ steps.a.output.humidity }}" }, { needs: ["a"] }),
    ]);
    expect(await fixture.ended(run)).toBe("succeeded");
    expect((await fixture.task(run, "b")).result).toMatchObject([{ text: expect.stringContaining("83") }]);
    await fixture.app.close();
    await until("it is told", () => server.stdout().includes("session termination"));
  });
});

test("a server is given its own environment and no more of ours", async () => {
  process.env["BATON_TEST_SECRET"] = "ours";
  const fixture = await openToolFixture({ everything: { ...everything, env: { GREETING: "theirs" } } });
  const { run } = await fixture.start([call("a: everything/get-env")]);
  expect(await fixture.ended(run)).toBe("succeeded");
  delete process.env["BATON_TEST_SECRET"];
  const { result } = await fixture.task(run);
  const [content] = result as { text: string }[];
  const environment = JSON.parse(content?.text ?? "{}") as Record<string, string>;
  expect(environment).toMatchObject({ GREETING: "theirs", PATH: expect.any(String) });
  expect(environment).not.toHaveProperty("BATON_TEST_SECRET");
  expect(environment).not.toHaveProperty("BATON_MCP_SERVERS");
});

test("a step for each element of a list calls as often", async () => {
  const root = temporaryDirectory();
  mkdirSync(path.join(root, "out"));
  const fixture = await openToolFixture({ files: filesystem(root) });
  const given = { path: `${root}/out/\${{ item }}.txt`, content: "${{ string(index) }}" };
  const { run } = await fixture.start([call("each: files/write_file", given, { for_each: ["a", "b", "c", "d", "e"] })]);
  expect(await fixture.ended(run)).toBe("succeeded");
  expect(["a", "e"].map((name) => readFileSync(path.join(root, "out", `${name}.txt`), "utf8"))).toEqual(["0", "4"]);
  expect(existsSync(path.join(root, "out", "f.txt"))).toBe(false);
});

test("at most as many calls as are configured are under way at once", async () => {
  const { server, log } = odd("waits");
  const calls = () => log().filter((line) => line.startsWith("call")).length;
  const fixture = await openToolFixture({ odd: server }, { settings: { max_concurrent_tool_calls: 2 } });
  const { run } = await fixture.start(["a", "b", "c"].map((key) => call(`${key}: odd/do`)));
  await until("two are called", () => calls() === 2);
  await fixture.app.advance(1_000);
  expect((await fixture.app.call("get_run", { run })).run).toMatchObject({ counts: { running: 2, ready: 1 } });
  await fixture.app.call("cancel_task", { task: (await fixture.task(run, "a")).task.id });
  await until("the third is called", () => calls() === 3);
});

function markIn(environment: string): string {
  return (JSON.parse(environment) as Record<string, string>)["BATON_COMMAND_MARK"] ?? "";
}

/** Finds the server that carries a mark, which only its environment holds. */
function serverOf(mark: string): number {
  const found = pidsWith(`BATON_COMMAND_MARK=${mark}`);
  expect(found).toHaveLength(1);
  return found[0] ?? 0;
}

function pidsWith(variable: string): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(variable) && isRunning(pid);
    } catch {
      return false;
    }
  });
}
