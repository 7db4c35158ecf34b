import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../support/databases/databases.js";
import { bearing, connectedClient, startHttpServer } from "../../support/http/http-server.js";
import { askAs } from "../../support/http/raw.js";
import { personsDatabase } from "../../support/http/tokens.js";
import { startServer } from "../../support/servers/client.js";
import { resultOf } from "../../support/servers/result-of.js";
import { until } from "../../support/until.js";

describe.each(BACKENDS)("a server that others reach, on %s", (backend) => {
  test("lets in who has a token, until it is revoked or over, and says what is missing", async () => {
    const person = await personsDatabase(backend);
    const [worker, short] = [await person.token("worker"), await person.token("worker", "--expires", "1ms")];
    const { call, origin } = await startHttpServer({ database: person.database, address: "0.0.0.0:0" });
    const status = (headers: Record<string, string> = {}) => call("get_system_status", {}, headers);

    const missing = await status();
    expect([missing.status, missing.body["code"]]).toEqual([401, "unauthenticated"]);
    expect(missing.headers.get("www-authenticate")).toMatch(
      /^Bearer realm="baton", error_description=".*baton token create/,
    );
    const forged = `${worker.slice(0, -1)}${worker.endsWith("A") ? "B" : "A"}`;
    for (const [token, says] of [
      [forged, "no such token"],
      ["secret", "no such token"],
      [short, "is over"],
    ] as const) {
      const refused = await status(bearing(token));
      expect([refused.status, refused.body["detail"]]).toEqual([401, expect.stringContaining(says)]);
      expect(refused.headers.get("www-authenticate")).toContain('error="invalid_token"');
    }
    expect((await status({ Authorization: `Basic ${worker}` })).status).toBe(401);
    expect((await status(bearing(worker))).status).toBe(200);
    for (const path of ["healthz", "readyz"]) expect((await fetch(`${origin}/${path}`)).status).toBe(200);

    await person.revoke(worker);
    expect((await status(bearing(worker))).body["detail"]).toContain("was revoked");
  });
});

describe("a token", () => {
  test.each(["modern", "legacy"] as const)("lets a %s client act as its agents alone", async (era) => {
    const person = await personsDatabase();
    const bearer = await person.token("worker", "--agent", "ann");
    const { origin } = await startHttpServer({ database: person.database, address: "0.0.0.0:0" });
    await expect(connectedClient(origin, era, { name: "c" })).rejects.toThrow(/401|unauthorized/i);
    const client = await connectedClient(origin, era, { name: "c", bearer });
    const made = await client.callTool({ name: "create_task", arguments: { title: "t", prompt: "p" } });
    expect(made.structuredContent).toMatchObject({ task: { from: "ann" } });
    const other = await client.callTool({ name: "claim_task", arguments: { agent: "ben" } });
    expect([other.isError, other.structuredContent]).toEqual([
      true,
      { error: expect.objectContaining({ code: "not_permitted", details: { agent: "ben", agents: ["ann"] } }) },
    ]);
  });

  test("without agents gives each bearer a handle of its own", async () => {
    const person = await personsDatabase();
    const { call, origin } = await startHttpServer({ database: person.database });
    const from = async (bearer: string) => {
      const client = await connectedClient(origin, "modern", { name: "c", bearer });
      const { structuredContent } = await client.callTool({
        name: "create_task",
        arguments: { title: "t", prompt: "p" },
      });
      return (structuredContent as { task: { from: string } }).task.from;
    };
    const [one, other] = [await from(await person.token("worker")), await from(await person.token("worker"))];
    expect([one, other]).toEqual([expect.stringMatching(/^http-c-\w{4}$/), expect.stringMatching(/^http-c-\w{4}$/)]);
    expect(one).not.toBe(other);
    // On this machine a program needs none.
    expect((await call("get_system_status")).status).toBe(200);
  });

  test("is told who may call what its role may not, and decides where it is a person's, but not at /mcp", async () => {
    const person = await personsDatabase();
    const [worker, human] = [await person.token("worker"), await person.token("human", "--name", "otto")];
    const { call, origin } = await startHttpServer({ database: person.database });
    const definition = { name: "ask", steps: [{ key: "ask", kind: "human", ask: "Go?" }] };
    const { body } = await call("execute_workflow", { definition, wait_seconds: 0 }, bearing(worker));
    const { run } = resultOf("execute_workflow", body);
    const refused = await call("control_run", { run: run.id, action: "cancel" }, bearing(worker));
    expect([refused.status, refused.body["details"]]).toEqual([
      403,
      expect.objectContaining({ permitted: expect.arrayContaining(["planner", "lead"]) as string[], role: "worker" }),
    ]);
    const { escalations } = resultOf("list_escalations", (await call("list_escalations")).body);
    const decide = { id: escalations[0]!.id, decision: "approved" };
    expect((await call("decide_escalation", { ...decide, agent: "human" }, bearing(worker))).status).toBe(403);
    await expect(connectedClient(origin, "modern", { name: "c", bearer: human })).rejects.toThrow(/HTTP 403/);
    expect((await call("decide_escalation", decide, bearing(human))).status).toBe(200);
    const { events } = resultOf("list_events", await person.call("list_events", "--run", run.id));
    expect(events.find(({ type }) => type === "task.decided")).toMatchObject({
      agent: "otto",
      data: { channel: "human", access: expect.stringMatching(/^token_/) as string },
    });
  });

  test("that is guessed at is turned away before the database is asked, in one event, and holds meanwhile", async () => {
    const person = await personsDatabase();
    const bearer = await person.token("worker");
    const { call } = await startHttpServer({ database: person.database });
    const status = () => call("get_system_status", {}, bearing(bearer)).then((answer) => answer.status);
    expect(await status()).toBe(200);
    const guess = bearing(`baton_${"0".repeat(16)}_${"x".repeat(43)}`);
    const answers = await Promise.all(Array.from({ length: 500 }, () => call("get_configuration", {}, guess)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([401, 429]));
    const late = answers.find((answer) => answer.status === 429)!;
    expect(Number(late.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await status()).toBe(200);
    const used = await until("its use is recorded", async () => {
      const { tokens } = resultOf("list_access_tokens", await person.call("list_access_tokens"));
      return tokens[0]!.used_at;
    });
    expect(used).toBeDefined();
    const events = await until("a refusal is recorded", async () => {
      const listed = resultOf("list_events", await person.call("list_events", "--types", "access.refused"));
      return listed.events.length > 0 ? listed.events : undefined;
    });
    expect(events).toHaveLength(1);
    expect(events[0]!.data).toMatchObject({ why: "unknown" });
  });
});

describe("a server", () => {
  test("known to others through a proxy asks everyone, and answers under the proxy's name", async () => {
    const person = await personsDatabase();
    const args = ["--public-url", "https://baton.example"];
    const refused = startServer({ database: person.database, args: ["serve", "--http", "127.0.0.1:0", ...args] });
    expect((await refused.ended).code).toBe(2);
    expect(refused.stderr()).toContain("baton token create");
    const bearer = await person.token("worker");
    const { call, origin } = await startHttpServer({ database: person.database, args });
    const port = Number(new URL(origin).port);
    expect([await askAs("baton.example", port), await askAs("evil.example", port)]).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 200 /),
      expect.stringMatching(/^HTTP\/1\.1 403 /),
    ]);
    expect((await call("get_system_status")).status).toBe(401);
    expect((await call("get_system_status", {}, bearing(bearer))).status).toBe(200);
  });
});
