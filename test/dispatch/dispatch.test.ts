import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BatonError } from "../../src/base/errors.js";
import type { Logger } from "../../src/runtime/logger.js";
import type { StorePoint } from "../../src/store/driver/faults.js";
import { Catalogue } from "../../src/dispatch/catalogue.js";
import { InternalError } from "../../src/dispatch/dispatch.js";
import { metaOperations } from "../../src/tools/meta.js";
import { defineOperation } from "../../src/dispatch/operation.js";
import { acting } from "../../src/dispatch/params.js";
import { startApp } from "../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../support/databases/databases.js";

const note = z.object({ text: z.string() });
const written = z.object({ id: z.string(), notes: z.int() });

/** Writes a row and counts them: what a write must not do twice. */
const writeNote = defineOperation({
  name: "write_note",
  title: "Write a note",
  description: "Writes a note.",
  area: "system",
  effect: "write",
  aliases: ["note"],
  input: z.object({
    text: z.string().min(1).max(2_000_000),
    tags: z.array(z.strictObject({ label: z.string(), weight: z.int().max(9).optional() })).optional(),
    level: z.enum(["low", "high"]).optional(),
    answer: z.enum(["good", "wrong", "bug"]).default("good"),
    ...acting,
  }),
  output: written,
  *run(ctx, { text, answer }) {
    const id = ctx.newId("note");
    yield [
      "INSERT INTO settings (scope, name, value, updated_at, updated_by) VALUES ('notes', $1, $2, 0, 'x')",
      [id, text],
    ];
    const rows = yield ["SELECT name FROM settings WHERE scope = 'notes'"];
    if (answer === "bug") throw new Error("postgres://me:hunter22@host is out of order");
    // A result of another shape than promised, as a bug would make it.
    return answer === "good" ? { id, notes: rows.length } : ({ id } as unknown as { id: string; notes: number });
  },
});

const readNotes = defineOperation({
  name: "read_notes",
  title: "Read the notes",
  description: "Reads the notes.",
  area: "system",
  effect: "read",
  input: z.object({}),
  output: z.object({ notes: z.array(note) }),
  *run() {
    const rows = yield ["SELECT value FROM settings WHERE scope = 'notes' ORDER BY name"];
    return { notes: rows.map((row) => ({ text: String(row["value"]) })) };
  },
});

const sneak = defineOperation({
  name: "sneak",
  title: "Write as a read",
  description: "Says that it reads, and writes.",
  area: "system",
  effect: "read",
  input: z.object({}),
  output: z.object({}),
  *run() {
    yield ["DELETE FROM settings"];
    return {};
  },
});

const decide = defineOperation({
  name: "decide",
  title: "Decide",
  description: "What only a person may do.",
  area: "system",
  effect: "write",
  permission: ["human"],
  input: z.object({}),
  output: z.object({}),
  *run() {
    yield ["SELECT 1"];
    return {};
  },
});

/** Waits for a note; each look is a command, and only the one that finds something writes. */
const takeNote = defineOperation({
  name: "take_note",
  title: "Take a note",
  description: "Takes a note away.",
  area: "system",
  effect: "destructive",
  input: z.object({ seconds: z.number(), ...acting }),
  output: z.object({ text: z.string().optional() }),
  async perform(host, { seconds }) {
    const take = () =>
      host.transact(function* () {
        const [row] = yield ["SELECT name FROM settings WHERE scope = 'notes' ORDER BY name LIMIT 1"];
        if (row === undefined) return undefined;
        const gone = yield ["DELETE FROM settings WHERE scope = 'notes' AND name = $1 RETURNING value", [row["name"]!]];
        return String(gone[0]?.["value"]);
      }, "take");
    const text = await host.waitFor(take, seconds);
    return text === undefined ? {} : { text };
  },
});

/** Lists the capabilities that its handler is given. */
const listCapabilities = defineOperation({
  name: "list_capabilities",
  title: "List capabilities",
  description: "Lists capabilities.",
  area: "system",
  effect: "read",
  input: z.object({}),
  output: z.object({ given: z.array(z.string()), pid: z.int() }),
  needs: ["process"],
  async perform(host) {
    // @ts-expect-error -- the operation does not declare that it needs files
    const files: unknown = host.files;
    const names = ["files", "templates", "process", "configuration", "background", "operations"];
    return { given: names.filter((name) => name in host), pid: files === undefined ? host.process.pid : 0 };
  },
});

const operations = new Catalogue([listCapabilities, ...metaOperations, writeNote, readNotes, sneak, decide, takeNote]);
const refusal = (error: unknown) => (error instanceof BatonError ? error : undefined);

describe("finding an operation", () => {
  test("by name, by alias, and not at all: then with the nearest names", async () => {
    const { callUnchecked: call } = await startApp({ operations });
    expect(await call("write_note", { text: "a" })).toMatchObject({ notes: 1 });
    expect(await call("note", { text: "b" })).toMatchObject({ notes: 2 });
    const error = refusal(await call("wriet_note").catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: "not_found", details: { nearest: ["write_note"] } });
    expect(error?.next).toEqual([{ tool: "find_operations", arguments: { query: "write_note" } }]);
  });

  test("is refused to an agent where only a person may decide", async () => {
    const agent = await startApp({ operations });
    await expect(agent.callUnchecked("decide")).rejects.toMatchObject({
      code: "not_permitted",
      details: { permitted: ["human"] },
    });
    const person = await startApp({ operations, channel: "human" });
    expect(await person.callUnchecked("decide")).toEqual({});
  });
});

test("an operation is given the capabilities that it needs, and no others", async () => {
  const { callUnchecked: call } = await startApp({ operations });
  expect(await call("list_capabilities")).toEqual({ given: ["process"], pid: process.pid });
});

describe("input", () => {
  test("is refused with every problem at once, each with its path and a sentence", async () => {
    const { callUnchecked: call } = await startApp({ operations });
    const input = {
      txet: "a",
      tags: [
        { label: 1, wieght: 2 },
        { label: "b", weight: 10 },
      ],
      level: "hihg",
    };
    const error = refusal(await call("write_note", input).catch((thrown: unknown) => thrown));
    expect(error?.code).toBe("invalid_input");
    expect(error?.details?.["problems"]).toEqual([
      { path: "text", message: '"text" is missing: a string is needed.' },
      { path: "tags[0].label", message: '"tags[0].label" must be a string, not 1.' },
      { path: "tags[0].wieght", message: 'Unknown key "wieght" in "tags[0]". Did you mean "weight"?' },
      { path: "tags[1].weight", message: '"tags[1].weight" must be at most 9.' },
      { path: "level", message: '"level" must be one of "low", "high", not "hihg" (did you mean "high"?).' },
      { path: "txet", message: 'Unknown key "txet". Did you mean "text"?' },
    ]);
    expect(await call("read_notes")).toEqual({ notes: [] });
  });

  test("is kept exactly as given: line ends, direction marks, escapes and keys", async () => {
    const { callUnchecked: call } = await startApp({ operations });
    const text = "b\u200fc\u2066d\u001b[31me\r\n\tf\u{E0041}";
    await call("write_note", { text });
    expect(await call("read_notes")).toEqual({ notes: [{ text }] });
  });

  test("that the store could not keep is refused with every place, and nothing is done", async () => {
    const { callUnchecked: call } = await startApp({ operations });
    const error = refusal(
      await call("write_note", { "te\u0000xt": 1, text: "a\ud800" }).catch((thrown: unknown) => thrown),
    );
    expect(error).toMatchObject({
      code: "invalid_input",
      details: { problems: [{ path: "te\u0000xt" }, { path: "text" }] },
    });
    expect(error?.message).toContain("nothing was done");
    expect(await call("read_notes")).toEqual({ notes: [] });
  });

  test("too large or too deep is refused before anything looks into it", async () => {
    const { callUnchecked: call } = await startApp({ operations, settings: { input_bytes_max: 10_000 } });
    await expect(call("write_note", { text: "x".repeat(10_001) })).rejects.toMatchObject({ code: "limit_exceeded" });
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, 1]));
    await expect(call("write_note", many)).rejects.toMatchObject({ code: "limit_exceeded" });
    let deep: unknown = 1;
    for (let depth = 0; depth < 5_000; depth++) deep = [deep];
    await expect(call("write_note", { text: "a", tags: deep })).rejects.toMatchObject({ code: "invalid_input" });
  });

  test("cannot reach the prototype of anything", async () => {
    const { callUnchecked: call } = await startApp({ operations });
    const input = JSON.parse('{"text":"a","__proto__":{"level":"low"}}') as Record<string, unknown>;
    await expect(call("write_note", input)).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("a bug", () => {
  const lines: string[] = [];
  const logger: Logger = {
    error: (message, facts) => void lines.push(`${message} ${JSON.stringify(facts)}`),
    warn: () => {},
    info: () => {},
    debug: () => {},
  };

  test("is one line in the log, and its id for the caller, who learns no more", async () => {
    const { callUnchecked: call } = await startApp({ operations, logger });
    lines.length = 0;
    const error = await call("write_note", { text: "a", answer: "bug" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InternalError);
    expect(String(error)).not.toContain("hunter22");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain((error as InternalError).requestId);
    expect(await call("read_notes")).toEqual({ notes: [] });
  });

  test("in a result is found before the commit: nothing has changed", async () => {
    const { callUnchecked: call } = await startApp({ operations, logger });
    await expect(call("write_note", { text: "a", answer: "wrong" })).rejects.toBeInstanceOf(InternalError);
    expect(await call("read_notes")).toEqual({ notes: [] });
  });

  test("a read that writes is stopped by the database", async () => {
    const { callUnchecked: call } = await startApp({ operations, logger });
    await call("write_note", { text: "a" });
    await expect(call("sneak")).rejects.toBeInstanceOf(InternalError);
    expect(await call("read_notes")).toEqual({ notes: [{ text: "a" }] });
  });
});

describe.each(BACKENDS)("request_id on %s", (backend) => {
  test("returns the first answer again, refuses other input, and belongs to one agent", async () => {
    const database = await createDatabase(backend);
    const { callUnchecked: call } = await startApp({ operations, database: database.location });
    const first = await call("write_note", { text: "a", request_id: "r1" });
    expect(await call("note", { request_id: "r1", text: "a" })).toEqual(first);
    await expect(call("write_note", { text: "b", request_id: "r1" })).rejects.toMatchObject({ code: "conflict" });
    expect(await call("write_note", { text: "a", request_id: "r1", agent: "other" })).toMatchObject({ notes: 2 });
    expect(await call("write_note", { text: "a" })).toMatchObject({ notes: 3 });
  });

  test("does a step of a waiting operation once, and looks again where nothing was found", async () => {
    const database = await createDatabase(backend);
    const { callUnchecked: call } = await startApp({ operations, database: database.location });
    const input = { seconds: 0, request_id: "r1" };
    expect(await call("take_note", input)).toEqual({});
    await call("write_note", { text: "a" });
    await call("write_note", { text: "b" });
    expect(await call("take_note", input)).toEqual({ text: "a" });
    expect(await call("take_note", input)).toEqual({ text: "a" });
    expect(await call("read_notes")).toEqual({ notes: [{ text: "b" }] });
  });
});

test("a commit whose answer PostgreSQL lost is found by the id that dispatch made, and not done again", async () => {
  const { location } = await createDatabase("postgres");
  let armed = false;
  const fault = ({ statement }: StorePoint) => {
    if (!armed || statement !== "COMMIT") return undefined;
    armed = false;
    return "lose_answer" as const;
  };
  const { callUnchecked: call } = await startApp({ operations, database: location, storeHooks: { fault } });
  await call("write_note", { text: "a" });
  armed = true;
  expect(await call("write_note", { text: "b" })).toMatchObject({ notes: 2 });
  expect(armed).toBe(false);
  expect(await call("read_notes")).toMatchObject({ notes: [{ text: "a" }, { text: "b" }] });
});

describe("waiting", () => {
  test("is ended by a commit of another process, and by a commit of this one", async () => {
    const one = await startApp({ operations });
    const other = await startApp({ operations, database: one.database, runtime: testRuntime(2) });
    for (const writer of [one, other]) {
      const waiting = one.callUnchecked("take_note", { seconds: 30 });
      await writer.callUnchecked("write_note", { text: "a" });
      expect(await waiting).toEqual({ text: "a" });
    }
  });

  test("ends at its bound, or when the caller has hung up", async () => {
    const { callUnchecked: call } = await startApp({ operations, settings: { wait_max_ms: 20 } });
    expect(await call("take_note", { seconds: 500 })).toEqual({});
    const patient = await startApp({ operations });
    const abort = new AbortController();
    const waiting = patient.callUnchecked("take_note", { seconds: 30 }, { signal: abort.signal });
    abort.abort();
    expect(await waiting).toEqual({});
  });

  test("may be longer where progress is shown, and is told how long it has lasted", async () => {
    const settings = { wait_max_ms: 1, wait_max_with_progress_ms: 60_000, progress_every_ms: 10 };
    const { callUnchecked: call } = await startApp({ operations, settings });
    const reports: number[] = [];
    const seen = await new Promise<Record<string, unknown>>((resolve, reject) => {
      const progress = (elapsedMs: number) => {
        // The second report ends the wait by what it waits for.
        if (reports.push(elapsedMs) === 2) call("write_note", { text: "a" }).catch(reject);
      };
      call("take_note", { seconds: 60 }, { progress }).then(resolve, reject);
    });
    expect(seen).toEqual({ text: "a" });
    expect(reports.length).toBeGreaterThanOrEqual(2);
  });
});
