import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type CallerEvidence, findHookCaller } from "../../../src/engine/guard/hook-caller.js";
import { BACKENDS, migratedFile, temporaryDirectory, testRuntime } from "../../support/databases/databases.js";
import { startApp, startAppOn, type TestApp } from "../../support/servers/app.js";
import { type ClientProcess, SERVER, startClient } from "../../support/servers/client-process.js";

async function ask({ app }: TestApp, evidence: Partial<CallerEvidence>) {
  const engine = await app.reader("hook");
  const caller = await engine.read((ctx) => findHookCaller(ctx, { ancestors: [], ...evidence }));
  // Each has beside the agents that were registered the handle that its next call would have.
  return caller && { ...caller, agents: caller.agents.filter((name) => !/-[0-9a-f]{4}$/.test(name)) };
}

/** Starts the server as `npx` does: a Node process and a shell stand between it and the client. */
function throughNpx(): string {
  const npx = path.join(temporaryDirectory(), "npx-cli.js");
  const run = `require("child_process").spawnSync("sh", ["-c", process.argv.slice(2).join(" ") + "; exit $?"], { stdio: "inherit" });`;
  writeFileSync(npx, run);
  return `${process.execPath} ${npx} ${SERVER}`;
}

// Windows tells a process its parent alone.
test.runIf(process.platform !== "win32")(
  "an editor's windows, one behind npx, and a client in the shell of one are told apart by the processes above their hooks",
  async () => {
    const database = migratedFile();
    const start = (agent: string, server: string | null, within?: ClientProcess) =>
      startClient({ agent, server, env: { BATON_DB: database }, ...(within && { within }) });
    const editor = await start("editor", null);
    const [left, right] = await Promise.all([start("left", SERVER, editor), start("right", throughNpx(), editor)]);
    const bare = await start("bare", null, left);
    const seen = await Promise.all([editor, left, right, bare].map(({ hook }) => hook()));
    const reader = await startApp({ database, sessionless: true });
    const callers = await Promise.all(seen.map((above) => ask(reader, { ancestors: above })));
    // Without a server of its own a client is the work of the one that has started it.
    expect(callers.map((caller) => caller?.agents)).toEqual([undefined, ["left"], ["right"], ["left"]]);
  },
);

describe.each(BACKENDS)("the caller of a hook, on %s", (backend) => {
  const [one, two] = [
    { pid: 11, processStartedAt: 100 },
    { pid: 22, processStartedAt: 200 },
  ];

  /** Two clients on one repository, and a process of neither. */
  async function repository() {
    const reader = await startAppOn(backend, { sessionless: true });
    let seed = 1;
    const start = async (agent: string, clientProcess: typeof one, clientSession: string) => {
      // Another seed for each: ids of sessions must differ.
      const runtime = testRuntime(++seed);
      const shared = { database: reader.database, runtime, clientProcess: Promise.resolve(clientProcess) };
      const app = await startApp({ ...shared, agent, clientSession: `client:${clientSession}` });
      await app.call("register_agent", { name: agent });
      return app;
    };
    await start("ann", one, "first");
    await start("ben", two, "second");
    return { reader, start };
  }

  test("is the client of the nearest process, whatever conversation the hook names", async () => {
    const { reader } = await repository();
    const shell = { pid: 33, processStartedAt: 300 };
    expect(await ask(reader, { ancestors: [shell, one, two] })).toMatchObject({ agents: ["ann"], by: "process" });
    // After /clear the hooks of a client name another conversation than its server knows.
    const cleared = { ancestors: [two], conversation: "third" };
    expect(await ask(reader, cleared)).toMatchObject({ agents: ["ben"], by: "process" });
    expect(await ask(reader, { ancestors: [two], conversation: "first" })).toMatchObject({ agents: ["ben"] });
  });

  test("is the conversation's where no process is known, and unknown by a pid that was given again", async () => {
    const { reader } = await repository();
    const again = [{ ...one, processStartedAt: 900 }];
    expect(await ask(reader, { ancestors: again })).toBeUndefined();
    const conversed = await ask(reader, { ancestors: again, conversation: "second" });
    expect(conversed).toMatchObject({ agents: ["ben"], by: "conversation" });
    expect(await ask(reader, { conversation: "third" })).toBeUndefined();
  });

  test("has what its conversation held before the client was started again", async () => {
    const { reader, start } = await repository();
    const three = { pid: 44, processStartedAt: 400 };
    await start("ann-again", three, "first");
    const caller = await ask(reader, { ancestors: [three] });
    expect(caller?.agents.toSorted()).toEqual(["ann", "ann-again"]);
    expect(caller?.sessions).toHaveLength(2);
  });

  test("is the caller itself over a connection, with the servers that the same client has started", async () => {
    const { start } = await repository();
    const beside = await start("cem", one, "other");
    const caller = await ask(beside, { ancestors: [two], conversation: "second" });
    expect(caller).toMatchObject({ by: "connection" });
    expect(caller?.agents.toSorted()).toEqual(["ann", "cem"]);
  });
});
