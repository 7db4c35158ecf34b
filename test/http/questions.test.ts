import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { bearing, connectedClient, type HttpServer, JSON_BODY, startHttpServer } from "../support/http/http-server.js";
import { type PersonsDatabase, personsDatabase } from "../support/http/tokens.js";
import { atEnd } from "../support/lifetime.js";
import { until } from "../support/until.js";

interface Form {
  readonly message: string;
  readonly requestedSchema: { readonly properties: Record<string, unknown> };
}

interface EnteredForm {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: Record<string, string>;
}

/** A client of protocol 2026-07-28 whose requests go to one server after the other, and at which a person sits who enters these. */
async function personsClient(servers: readonly HttpServer[], bearer: string, entered: EnteredForm[]) {
  const shown: Form[] = [];
  let turn = 0;
  const hop = (url: string | URL, init?: RequestInit) => {
    const to = new URL(url);
    to.port = new URL(servers[turn++ % servers.length]!.origin).port;
    return fetch(to, init);
  };
  const client = new Client(
    { name: "Desk", version: "1" },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  client.setRequestHandler("elicitation/create", async ({ params }) => {
    shown.push(params as Form);
    return { ...(entered.shift() ?? { action: "cancel" }) };
  });
  const options = { fetch: hop, requestInit: { headers: bearing(bearer) } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${servers[0]!.origin}/mcp`), options));
  atEnd(() => client.close());
  return { client, shown };
}

const DEFINITION = { name: "w", steps: [{ key: "ok", kind: "human", ask: "Release it?" }] };

/** A run whose only step waits for a person; long enough for others than its starter's own process to be asked. */
async function waitingRun({ call }: HttpServer, bearer: string): Promise<{ run: string; task: string }> {
  const { body } = await call("execute_workflow", { definition: DEFINITION, agent: "ann" }, bearing(bearer));
  const { id: run } = body["run"] as { id: string };
  const listed = await call("list_tasks", { run }, bearing(bearer));
  return { run, task: (listed.body["tasks"] as { id: string }[])[0]!.id };
}

async function eventsOf({ call }: HttpServer, run: string, bearer: string) {
  const { body } = await call("list_events", { run, types: ["task.asked", "task.decided"] }, bearing(bearer));
  return body["events"] as { type: string; agent?: string; data: Record<string, unknown> }[];
}

/** Calls until the person is asked: those who started a run are asked before others. */
async function askedAbout(client: Client, run: string, shown: readonly Form[]): Promise<void> {
  const before = shown.length;
  await until("the form is shown", async () => {
    await client.callTool({ name: "get_run", arguments: { run } });
    return shown.length > before;
  });
}

/** Calls that meet. */
const CALLS = 8;

describe.each(BACKENDS)("a question over HTTP, on %s", (backend) => {
  const team = async () => {
    const person = await personsDatabase(backend);
    const start = () => startHttpServer({ database: person.database });
    const servers = [await start(), await start()];
    const attended = await person.token("worker", "--agent", "ann", "--attended");
    return { person, servers, attended, id: `token_${attended.split("_")[1]!}` };
  };

  test("is put to the person at an attended client, and any server takes the answer", async () => {
    const { servers, attended, id } = await team();
    const { run } = await waitingRun(servers[0]!, attended);
    const entered: EnteredForm[] = [{ action: "accept", content: { decision: "approved", note: "fine" } }];
    const { client, shown } = await personsClient(servers, attended, entered);
    await askedAbout(client, run, shown);
    expect(shown[0]!.message).toContain("Release it?");
    const { structuredContent } = await client.callTool({ name: "get_run", arguments: { run } });
    expect(structuredContent).toMatchObject({ run: { status: "succeeded" } });
    expect(await eventsOf(servers[1]!, run, attended)).toMatchObject([
      { type: "task.asked", data: { client: "ann", access: id } },
      { type: "task.decided", agent: "human@desk", data: { decision: "approved", channel: "human", access: id } },
    ]);
    expect(shown).toHaveLength(1);
  });

  test("is put to a person alone, however many of their client's calls meet", async () => {
    const { person, servers, attended } = await team();
    const runs: string[] = [];
    while (runs.length < CALLS) runs.push((await waitingRun(servers[0]!, attended)).run);
    const ask = (bearer: string, run: string, at = 0) =>
      rawCall(servers[at % servers.length]!, bearer, { arguments: { run } });
    // Another person is asked the youngest question: then all are past the time in which those who started a run are asked first.
    const other = await person.token("worker", "--agent", "ben", "--attended");
    const { run: youngest } = await waitingRun(servers[0]!, attended);
    await until("the youngest is asked", async () => isForm(await ask(other, youngest)));
    const answers = await Promise.all(runs.map((run, at) => ask(attended, run, at)));
    expect(answers.filter(isForm)).toHaveLength(1);
  });

  test("that is closed stays open, and is not shown again with each call", async () => {
    const { servers, attended } = await team();
    const { run } = await waitingRun(servers[0]!, attended);
    const { client, shown } = await personsClient(servers, attended, [{ action: "decline" }]);
    await askedAbout(client, run, shown);
    for (let n = 0; n < 4; n++) await client.callTool({ name: "get_run", arguments: { run } });
    expect(shown).toHaveLength(1);
    const { structuredContent } = await client.callTool({ name: "get_run", arguments: { run } });
    expect(structuredContent).toMatchObject({ run: { status: "running" } });
  });

  test("decided elsewhere takes no answer, and the person is told so", async () => {
    const { person, servers, attended } = await team();
    const { run, task } = await waitingRun(servers[0]!, attended);
    const entered: EnteredForm[] = [];
    const { client, shown } = await personsClient(servers, attended, entered);
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      shown.push(params as Form);
      if (shown.length === 1)
        await person.call("decide_escalation", "--id", task, "--decision", "rejected", "--note", "no");
      return { action: "accept", content: { decision: "approved" } };
    });
    await askedAbout(client, run, shown);
    expect(shown[1]!.message).toMatch(/^Your answer came too late and counts for nothing\./);
    const decided = (await eventsOf(servers[0]!, run, attended)).filter(({ type }) => type === "task.decided");
    expect(decided).toMatchObject([{ data: { decision: "rejected" } }]);
  });
});

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
};

const FORMS = { elicitation: { form: {} } };

interface RawCall {
  readonly arguments?: object;
  readonly requestState?: string;
  readonly inputResponses?: object;
  /** Default: can show forms. */
  readonly capabilities?: object;
}

/** A tool call as a program of its own making sends it. */
async function rawCall({ origin }: HttpServer, bearer: string | undefined, { capabilities = FORMS, ...more }: RawCall) {
  const params = {
    name: "get_run",
    ...more,
    _meta: { ...META, "io.modelcontextprotocol/clientCapabilities": capabilities },
  };
  const standard = { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "get_run" };
  const accept = { Accept: "application/json, text/event-stream", ...(bearer === undefined ? {} : bearing(bearer)) };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  const response = await fetch(`${origin}/mcp`, {
    method: "POST",
    body,
    headers: { ...JSON_BODY, ...standard, ...accept },
  });
  return (await response.json()) as { result?: Record<string, unknown>; error?: Record<string, unknown> };
}

/** Whether a call was answered by a form for the person. */
const isForm = ({ result }: Awaited<ReturnType<typeof rawCall>>) => result?.["resultType"] === "input_required";

const APPROVED = { decision: { action: "accept", content: { decision: "approved" } } };

describe("an answer over HTTP", () => {
  const asked = async () => {
    const person: PersonsDatabase = await personsDatabase();
    const server = await startHttpServer({ database: person.database });
    const attended = await person.token("worker", "--agent", "ann", "--attended");
    const { run, task } = await waitingRun(server, attended);
    const call = (bearer: string | undefined, more: RawCall = {}) =>
      rawCall(server, bearer, { arguments: { run }, ...more });
    const state = await until("the client is asked", async () => {
      const { result } = await call(attended);
      return result?.["resultType"] === "input_required" ? (result["requestState"] as string) : undefined;
    });
    const status = async () => {
      const { body } = await server.call("get_run", { run }, bearing(attended));
      return (body["run"] as { status: string }).status;
    };
    return { person, server, attended, run, task, call, state, status };
  };

  test("counts from the client that was asked alone, whatever another has come to know", async () => {
    const { person, call, state, status } = await asked();
    const [worker, other] = [await person.token("lead"), await person.token("worker", "--attended")];
    for (const bearer of [undefined, worker, other])
      await call(bearer, { requestState: state, inputResponses: APPROVED });
    expect(await status()).toBe("running");
  });

  test("counts for the question that was asked alone, and a state of no question is refused", async () => {
    const { server, attended, call, status, state } = await asked();
    const second = await waitingRun(server, attended);
    const forged = [second.task, state.split(" ")[1], second.run, "0"].join(" ");
    const { result } = await call(attended, { requestState: forged, inputResponses: APPROVED });
    expect(JSON.stringify(result)).toContain("counts for nothing");
    for (const wrong of ["", "x", `${state} more`, state.replace(/ \d$/, " 11")]) {
      const { error } = await call(attended, { requestState: wrong, inputResponses: APPROVED });
      expect(error).toMatchObject({ code: -32602 });
    }
    expect(await status()).toBe("running");
  });

  test("that does not fit is asked for again with the reason, three times at most", async () => {
    const { attended, call, state, status } = await asked();
    const wrong = { decision: { action: "accept", content: { decision: "approved_with_conditions" } } };
    let requestState = state;
    for (let round = 1; round < 3; round++) {
      const { result } = await call(attended, { requestState, inputResponses: wrong });
      expect(JSON.stringify(result)).toContain("Refused: ");
      requestState = result!["requestState"] as string;
    }
    const { result } = await call(attended, { requestState, inputResponses: wrong });
    expect(result).toMatchObject({ resultType: "complete" });
    expect(await status()).toBe("running");
  });
});

test("no person is asked at a client without forms, without an attended token, or of the earlier protocol", async () => {
  const person = await personsDatabase();
  const server = await startHttpServer({ database: person.database });
  const [attended, worker] = [await person.token("worker", "--attended"), await person.token("worker")];
  const { run } = await waitingRun(server, worker);
  const results = [
    await rawCall(server, attended, { arguments: { run }, capabilities: {} }),
    await rawCall(server, attended, { arguments: { run }, capabilities: { elicitation: { url: {} } } }),
    await rawCall(server, worker, { arguments: { run } }),
    await rawCall(server, undefined, { arguments: { run } }),
  ];
  for (const { result } of results) expect(result).toMatchObject({ resultType: "complete" });
  const legacy = await connectedClient(server.origin, "legacy", { name: "old", bearer: attended });
  expect((await legacy.callTool({ name: "get_run", arguments: { run } })).structuredContent).toMatchObject({
    run: { status: "running" },
  });
  expect(legacy.getInstructions()).toContain("asks your user nothing");
  // After the head start of others the same question is put where a person sits, so that nothing but who called kept it back.
  await until("an attended client is asked", async () => {
    const { result } = await rawCall(server, attended, { arguments: { run } });
    return result?.["resultType"] === "input_required";
  });
});

test("an attended token is a person's to make, and no person's own", async () => {
  const person = await personsDatabase();
  const server = await startHttpServer({ database: person.database });
  const admin = bearing(await person.token("admin"));
  const refused = await server.call("create_access_token", { role: "worker", attended: true }, admin);
  expect([refused.status, refused.body["code"]]).toEqual([403, "not_permitted"]);
  const own = await person.call("create_access_token", '{"role": "human", "attended": true}');
  expect(own).toMatchObject({ error: { code: "invalid_input", message: expect.stringMatching(/attended/) as string } });
});
