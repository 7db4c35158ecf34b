// An MCP server over stdio that is wrong in the way its first argument says. LOG names a file in which it writes down when
// it starts, what it is called with, and what it is told.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [way] = process.argv.slice(2);
const log = (line) => process.env.LOG && appendFileSync(process.env.LOG, `${line}\n`);
const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
log(`start ${process.pid}`);

const WAYS = {
  exits() {
    process.stderr.write(`no such database: ${process.env.TOKEN}\n`);
    process.exit(3);
  },
  /** A secret where what is shown of it would begin. */
  cut() {
    process.stderr.write(`${process.env.TOKEN}${"x".repeat(990)}\n`, () => process.exit(3));
  },
  /** One that lies across the start of what is kept, and others after it. */
  "cut far"() {
    const all = `${process.env.TOKEN} `.repeat(3_000);
    process.stderr.write(`${all}\nthe end\n`, () => process.exit(3));
  },
  "cut garbage"() {
    setInterval(() => process.stdout.write(`${"x".repeat(190)}${process.env.TOKEN}\n`.repeat(50)), 1);
  },
  garbage() {
    setInterval(() => process.stdout.write("Listening for requests...\n".repeat(50)), 1);
  },
  endless() {
    setInterval(() => process.stdout.write("x".repeat(1 << 20)), 1);
  },
  silent() {
    // Nor does the end of its input end it.
    setInterval(() => {}, 1_000);
  },
};

const ANSWERS = {
  /** Logs to stdout, as many do, and is right otherwise. */
  chatty: (id) => {
    process.stdout.write("calling the tool now\n\n{not json}\n");
    say({ id, result: { content: [{ type: "text", text: "well" }] } });
  },
  misshapen: (id) => say({ id, result: { content: "well" } }),
  refuses: (id) => say({ id, error: { code: -32602, message: `x must be a number (${process.env.TOKEN})` } }),
  dies: () => {
    process.stderr.write(`out of memory (${process.env.TOKEN})\n`);
    process.exit(1);
  },
  /** Dies with each call while there is a file SICK. */
  sick: (id) => {
    if (existsSync(process.env.SICK)) process.exit(1);
    say({ id, result: { content: [{ type: "text", text: "well" }] } });
  },
  tells: (id) => {
    const text = `${process.env.TOKEN} ${"x".repeat(1_950)} ${process.env.TOKEN}`;
    say({ id, result: { isError: true, content: [{ type: "text", text }] } });
  },
  /** Too much. */
  "tells much": (id) => {
    const text = `${process.env.TOKEN} ${"x".repeat(8_150)} ${process.env.TOKEN}`;
    say({ id, result: { content: [{ type: "text", text }] } });
  },
  /** Hears everything and answers no call. */
  waits: () => {},
  /** Hears nothing any more, does not want to end, and has a child that does not either. With ONCE only the first time. */
  hangs: (id) => {
    const calls = readFileSync(process.env.LOG, "utf8").match(/^call /gm)?.length ?? 0;
    if (process.env.ONCE && calls > 1) return say({ id, result: { content: [{ type: "text", text: "again" }] } });
    const child = spawn("sh", ["-c", "trap '' TERM; sleep 1000; sleep 1000"], { stdio: "ignore" });
    log(`child ${child.pid}`);
    for (;;);
  },
};

const LISTS = {
  unlistable: (id) => say({ id, error: { code: -32602, message: "no such cursor" } }),
  /** Never comes to an end. */
  paged: (id) => say({ id, result: { tools: [], nextCursor: "more" } }),
};
ANSWERS.unlistable = ANSWERS.paged = ANSWERS.chatty;

if (way === "hangs") process.on("SIGTERM", () => {});
if (Object.hasOwn(WAYS, way)) WAYS[way]();
else if (way !== "hangs" && way !== "waits" && !Object.hasOwn(ANSWERS, way))
  throw new Error(`there is no way "${way}"`);

createInterface({ input: process.stdin }).on("line", (line) => {
  if (Object.hasOwn(WAYS, way)) return;
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") {
    const serverInfo = { name: "odd", version: "1" };
    say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") {
    log("list");
    if (Object.hasOwn(LISTS, way)) LISTS[way](id);
    else say({ id, result: { tools: [{ name: "do", inputSchema: { type: "object" } }] } });
  } else if (method === "ping") {
    say({ id, result: {} });
  } else if (method === "tools/call") {
    log(`call ${id}`);
    ANSWERS[way](id);
  } else {
    log(`${method} ${JSON.stringify(params ?? {})}`);
  }
});
