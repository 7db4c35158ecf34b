import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { type McpServer, ToolFailure } from "./mcp-server.js";

/** Of an answer, or of one event in a stream of them. */
const ANSWER_BYTES_MAX = 10 * 1024 * 1024;
const NEWLINE = 0x0a;

/** A server over Streamable HTTP. It follows redirects within its origin only, so that its headers go nowhere else. */
export function httpTransport({ url, headers }: Extract<McpServer, { type: "http" }>): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...headers } },
    fetch: boundedFetch,
  });
}

async function boundedFetch(input: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  if (response.body === null) return response;
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(bounded(isStream)), { status, statusText, headers });
}

/** Breaks off what is too much: of a stream of events each line by itself, of anything else all of it. */
function bounded(isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const newline = isStream ? chunk.lastIndexOf(NEWLINE) : -1;
      bytes = newline < 0 ? bytes + chunk.length : chunk.length - newline - 1;
      if (bytes <= ANSWER_BYTES_MAX) controller.enqueue(chunk);
      else controller.error(new ToolFailure("invalid_answer", `an answer of more than ${ANSWER_BYTES_MAX} bytes`));
    },
  });
}
