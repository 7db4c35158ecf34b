import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { migratedFile, temporaryDirectory } from "../support/databases/databases.js";
import { startApp } from "../support/servers/app.js";
import { type ClientProcess, outputOf, SERVER, startClient } from "../support/servers/client-process.js";

/** Runs a server of the client for the calls alone: its input ends when it has answered them, and its time is over at once. */
function serve(client: ClientProcess, calls: readonly object[]): Promise<string> {
  const clientInfo = { name: "claude-code", version: "1" };
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
  const messages = [
    { id: 1, method: "initialize", params },
    { method: "notifications/initialized" },
    ...calls.map((call, at) => ({ id: at + 2, method: "tools/call", params: call })),
  ];
  const directory = temporaryDirectory();
  const lines = messages.map((one) => `${JSON.stringify({ jsonrpc: "2.0", ...one })}\n`).join("");
  writeFileSync(path.join(directory, "messages"), lines);
  // The pipe to the server stays open until as many lines have come back as were asked for.
  const server = `(cd - > /dev/null && BATON_SESSION_GRACE_MS=0 exec ${SERVER}) < input > output &`;
  const answers = `exec 3> input; cat messages >&3; head -n ${calls.length + 1} < output; exec 3>&-; wait`;
  return outputOf(client, `cd ${directory} && mkfifo input output && { ${server} ${answers}; }`);
}

// Windows tells a process its parent alone.
test.runIf(process.platform !== "win32")(
  "an editor's lock lives on after its server has ended: the next edits take it once, and another is denied the file",
  async () => {
    const database = migratedFile();
    const cwd = realpathSync(temporaryDirectory());
    mkdirSync(path.join(cwd, "src"));
    execFileSync("git", ["init", "-q"], { cwd });
    const start = () => startClient({ agent: "unused", server: null, env: { BATON_DB: database, HOME: cwd } });
    const [client, other] = await Promise.all([start(), start()]);
    const hook = async (by: ClientProcess, call: object) => {
      const document = path.join(temporaryDirectory(), "document");
      writeFileSync(document, JSON.stringify({ ...call, cwd }));
      return outputOf(by, `cd ${cwd} && ${SERVER} guard claude-code < ${document}`);
    };
    const tool_input = { file_path: path.join(cwd, "src/a.ts") };
    const edit = (by: ClientProcess, session_id: string) =>
      hook(by, { hook_event_name: "PreToolUse", tool_name: "Edit", session_id, tool_input });
    const lock = { name: "acquire_file_lock", arguments: { paths: ["held.ts"], agent: "ann" } };
    expect(await serve(client, [lock])).toContain('"outcome":"granted"');
    for (let edits = 0; edits < 3; edits++) expect(await edit(client, "one")).toBe("");
    const reader = await startApp({ database, sessionless: true, cwd });
    const { events } = await reader.call("list_events", { types: ["lock.granted"] });
    expect(events.flatMap(({ data }) => data["locks"])).toMatchObject([{ path: "held.ts" }, { path: "src/a.ts" }]);
    expect(await edit(other, "two")).toContain("src/a.ts is held by ann");
    const started = { hook_event_name: "SessionStart", source: "startup", session_id: "two" };
    expect(await hook(other, started)).toContain("Also at work here: ann holds src/a.ts.");
  },
);
