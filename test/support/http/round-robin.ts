import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { atEnd } from "../lifetime.js";
import { bodyOf, type HttpAnswer, JSON_BODY } from "./http-server.js";

/**
 * A proxy that gives each request to the next of its servers, and to the one after it where that does not answer in time or says that it
 * cannot serve: as nginx does with `proxy_next_upstream error timeout http_503 non_idempotent`.
 */
export interface RoundRobin {
  readonly origin: string;
  /** Ports of the servers behind it, as they come and go. */
  readonly ports: Set<number>;
  /** Refusals by servers that could not serve, and so sent on or asked again. */
  readonly refusals: readonly HttpAnswer["body"][];
  /** Calls an operation through it, under one key, until it is answered. */
  readonly call: (name: string, input: object, headers: Readonly<Record<string, string>>) => Promise<HttpAnswer>;
}

const ANSWER_MS = 4_000;
const BAD_GATEWAY = 502;
const UNAVAILABLE = 503;

export async function startRoundRobin(): Promise<RoundRobin> {
  const ports = new Set<number>();
  const refusals: HttpAnswer["body"][] = [];
  let turn = 0;
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "GET", url = "/" } = request;
    const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>;
    for (let tries = ports.size; tries > 0; tries--) {
      const port = [...ports][turn++ % ports.size]!;
      const abort = new AbortController();
      const late = setTimeout(() => abort.abort(), ANSWER_MS);
      const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
      const sent = { method, headers, ...body, signal: abort.signal };
      const answer = await fetch(`http://127.0.0.1:${port}${url}`, sent).catch(() => undefined);
      if (answer !== undefined && isStream(answer)) {
        clearTimeout(late);
        response.once("close", () => abort.abort());
        return handOn(answer, response);
      }
      const text = await answer?.text().catch(() => undefined);
      clearTimeout(late);
      if (answer === undefined || text === undefined) continue;
      if (answer.status === UNAVAILABLE) {
        refusals.push(JSON.parse(text) as HttpAnswer["body"]);
        continue;
      }
      response.writeHead(answer.status, { "Content-Type": answer.headers.get("content-type") ?? "" }).end(text);
      return;
    }
    response.writeHead(BAD_GATEWAY, { "Content-Type": "application/json" }).end("{}");
  };
  const server: Server = createServer((request, response) => void forward(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    ports,
    refusals,
    call: async (name, input, headers) => {
      for (;;) {
        const response = await fetch(`${origin}/api/v1/operations/${name}`, {
          method: "POST",
          body: JSON.stringify(input),
          headers: { ...JSON_BODY, ...headers },
        });
        const body = await bodyOf(response);
        if (response.status < 500) return { status: response.status, headers: response.headers, body };
      }
    },
  };
}

function isStream({ headers }: Response): boolean {
  return /^text\/event-stream\b/.test(headers.get("content-type") ?? "");
}

/** Hands a stream on as it comes, for as long as both sides stay. */
async function handOn(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, { "Content-Type": answer.headers.get("content-type") ?? "" });
  try {
    for await (const chunk of answer.body!) response.write(chunk);
    response.end();
  } catch {
    // The server is gone: its client sees that too.
    response.destroy();
  }
}
