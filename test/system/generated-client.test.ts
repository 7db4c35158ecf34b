import { execFileSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/databases/databases.js";
import { startHttpServer } from "../support/http/http-server.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const GENERATOR = path.join(ROOT, "dashboard/node_modules/openapi-typescript/bin/cli.js");
const COMPILER = path.join(ROOT, "node_modules/typescript/bin/tsc");

/** A program as a developer writes it who has the document alone. */
const PROGRAM = `
import createClient from "openapi-fetch";
import type { paths } from "./baton.js";

const client = createClient<paths>({ baseUrl: process.argv[2] + "/api/v1" });
const params = { header: { "Idempotency-Key": "generated-1" } };
const body = { title: "from a generated client", prompt: "do it" };
const made = await client.POST("/operations/create_task", { params, body });
const again = await client.POST("/operations/create_task", { params, body });
const health = await client.GET("/orchestration/health");
const missing = await client.POST("/operations/get_task", { body: { task: "task_of_nobody" } });
// @ts-expect-error -- the document says that a title is a text
const wrong = await client.POST("/operations/create_task", { body: { ...body, title: 7 } });
if (made.data === undefined) throw new Error(made.error.detail);
const status: string = made.data.task.status;
console.log(JSON.stringify({
  status,
  isSame: again.data?.task.id === made.data.task.id,
  health: health.data?.status,
  missing: { status: missing.response.status, code: missing.error?.code, next: missing.error?.next },
  wrong: { status: wrong.response.status, code: wrong.error?.code },
}));
`;

const TSCONFIG = {
  compilerOptions: { strict: true, module: "nodenext", target: "es2023", noEmitOnError: true, types: ["node"] },
  files: ["program.ts"],
};

test("a client generated from the server's OpenAPI document compiles, calls, and reads results and problems by their types", async () => {
  const { origin } = await startHttpServer();
  const directory = temporaryDirectory();
  const at = (name: string) => path.join(directory, name);
  symlinkSync(path.join(ROOT, "node_modules"), at("node_modules"));
  const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: directory, encoding: "utf8" });
  run(GENERATOR, `${origin}/api/v1/openapi.json`, "--output", at("baton.ts"));
  writeFileSync(at("package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(at("tsconfig.json"), JSON.stringify(TSCONFIG));
  writeFileSync(at("program.ts"), PROGRAM);
  run(COMPILER, "-p", directory);
  expect(JSON.parse(run(at("program.js"), origin))).toEqual({
    status: "ready",
    isSame: true,
    health: "ok",
    missing: { status: 404, code: "not_found", next: [expect.objectContaining({ tool: expect.any(String) })] },
    wrong: { status: 400, code: "invalid_input" },
  });
});
