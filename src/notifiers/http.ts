import { lookup } from "node:dns";
import http from "node:http";
import https from "node:https";
import { BlockList, type LookupFunction } from "node:net";
import type { HttpAddress } from "../base/notifications/targets.js";
import type { AttemptResult } from "../engine/notifications/sending.js";
import { type Sending, tooSlow } from "./outgoing.js";

export interface HttpPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Characters of an answer that are read. */
const ANSWER_BYTES_MAX = 4_096;
const GONE = 410;

/** Addresses that no name of another network's host may stand for. */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const)
  PRIVATE.addSubnet(network, bits, "ipv4");
for (const [network, bits] of [
  ["::", 127],
  ["64:ff9b::", 96],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  PRIVATE.addSubnet(network, bits, "ipv6");

/**
 * Posts to an address that a person has configured: no redirect is followed, no proxy of the environment is used, the answer is read up
 * to a bound, and a name that stands for an address of a private network is refused unless the person allows it.
 */
export async function post(
  address: HttpAddress,
  { headers, body }: HttpPost,
  sending: Sending,
): Promise<AttemptResult> {
  const url = new URL(address.url);
  const { request } = url.protocol === "https:" ? https : http;
  const { signal } = sending;
  const isNamed = url.hostname === "localhost";
  const options = {
    method: "POST",
    agent: false,
    signal,
    ...(address.allowsPrivate || isNamed ? {} : { lookup: publicLookup }),
    headers: { ...headers, "content-length": String(Buffer.byteLength(body)), "user-agent": "baton" },
  } as const;
  return new Promise((resolve) => {
    const sent = request(url, options, (response) => {
      readAnswer(response).then(
        (text) => resolve(resultOf(response, text)),
        () => resolve(resultOf(response, "")),
      );
    });
    sent.on("error", (error) => resolve(signal.aborted ? tooSlow(sending) : networkError(error)));
    sent.end(body);
  });
}

async function readAnswer(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= ANSWER_BYTES_MAX) break;
  }
  response.destroy();
  return Buffer.concat(chunks).toString("utf8", 0, Math.min(bytes, ANSWER_BYTES_MAX));
}

/** The answer of a receiver is data of others: only its status, and a word such as Slack's `channel_not_found`, is kept. */
function resultOf({ statusCode = 0, headers }: http.IncomingMessage, text: string): AttemptResult {
  if (statusCode >= 200 && statusCode < 300) return { ok: true };
  const word = /^[a-z]+(?:_[a-z]+){0,5}$/.exec(text.slice(0, 100).trim())?.[0];
  const said = word === undefined ? "" : ` (${word})`;
  if (statusCode >= 300 && statusCode < 400)
    return {
      ok: false,
      error: `answered ${statusCode}: redirects are not followed; configure the address it leads to`,
    };
  const error = `answered ${statusCode}${said}`;
  if (statusCode === GONE) return { ok: false, error, final: true };
  return { ok: false, error, retryAfterMs: retryAfter(headers["retry-after"]) };
}

function retryAfter(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
}

/** In one word: a message of the network names the address, which may be secret. */
function networkError(error: NodeJS.ErrnoException): AttemptResult {
  return { ok: false, error: `not reached: ${error.code ?? error.name}` };
}

/** Resolves names of public addresses only. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "", 0);
    const [first] = addresses;
    const isPrivate = addresses.some(({ address, family }) => PRIVATE.check(address, family === 6 ? "ipv6" : "ipv4"));
    if (first === undefined || isPrivate) return callback(privateAddress(), "", 0);
    if (options.all === true) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};

function privateAddress(): NodeJS.ErrnoException {
  return Object.assign(new Error("a private address"), { code: "PRIVATE_ADDRESS (allow_private allows it)" });
}
