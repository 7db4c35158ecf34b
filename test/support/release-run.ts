import { connectClient, type ConnectOptions, startServer, type TestClient } from "./client.js";
import { Person } from "./person.js";

/** A client with somebody who sits at it. */
export interface Seat {
  readonly client: TestClient;
  readonly person: Person;
}

export async function sitDown(options: ConnectOptions): Promise<Seat> {
  const person = new Person();
  const client = await connectClient({ clientName: "Claude Desktop", ...options, person });
  return { client, person };
}

/** Starts a run that waits for a person, at once or behind what is done before, and ships then. */
export async function startRelease(client: TestClient, step: object = {}, before: object[] = []): Promise<string> {
  await client.call("create_project", { name: "shop" });
  const steps = [
    ...before,
    { key: "approve", kind: "human", ask: "Release it?", ...step },
    { key: "ship", needs: ["approve"], prompt: "Ship." },
  ];
  const given = { project: "shop", definition: { name: "release", steps } };
  const { run } = (await client.call("execute_workflow", given)) as { run: { id: string } };
  return run.id;
}

export interface Decided {
  readonly id: string;
  readonly status: string;
  /** Who decided. */
  readonly agent?: string;
  readonly error?: { readonly type: string; readonly message: string };
  readonly result?: unknown;
}

/** What has become of the question of such a run. */
export async function decided(client: TestClient, run: string): Promise<Decided> {
  const found = (await client.call("get_task", { task: `${run}/approve`, include: ["attempts", "result"] })) as {
    task: { id: string; status: string };
    attempts: { agent: string; error?: { type: string; message: string } }[];
    result?: unknown;
  };
  const { id, status } = found.task;
  return { id, status, ...found.attempts.at(-1), result: found.result };
}

type Message = Readonly<Record<string, unknown>>;

/** A client without the SDK: it says what it can, and answers what and when the test wants. */
export class LineClient {
  readonly server;
  #id = 0;

  constructor(database: string) {
    this.server = startServer({ database });
  }

  async connect(capabilities: object): Promise<this> {
    const clientInfo = { name: "lines", version: "1" };
    await this.request("initialize", { protocolVersion: "2025-06-18", capabilities, clientInfo });
    await this.send({ method: "notifications/initialized" });
    return this;
  }

  send(message: Message): Promise<void> {
    return this.server.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  /** The next message of this method from the server. */
  async next(method: string): Promise<{ id: number; params: Message }> {
    return (await this.server.next((message) => "method" in message && message.method === method)) as never;
  }

  async request(method: string, params: Message): Promise<Message> {
    const id = `mine-${++this.#id}`;
    await this.send({ id, method, params });
    return this.server.next((message) => "id" in message && message.id === id);
  }

  async call(name: string, input: Message): Promise<Message> {
    const answer = await this.request("tools/call", { name, arguments: input });
    return (answer["result"] as { structuredContent: Message }).structuredContent;
  }
}
