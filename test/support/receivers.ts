import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { atEnd } from "./lifetime.js";

export interface ReceivedPost {
  readonly headers: Readonly<http.IncomingHttpHeaders>;
  readonly body: string;
}

/** Answers a request, or leaves it without one. */
export type Answering = (response: http.ServerResponse, post: ReceivedPost) => void;

/** A receiver of webhooks on this machine. */
export interface HttpReceiver {
  readonly url: string;
  readonly port: number;
  readonly posts: readonly ReceivedPost[];
  /** Answers that come one after the other; the last one stays. */
  answer(...answers: readonly Answering[]): void;
}

export const answering =
  (status: number, body = "", headers: http.OutgoingHttpHeaders = {}): Answering =>
  (response) =>
    void response.writeHead(status, headers).end(body);

export async function startReceiver(): Promise<HttpReceiver> {
  const posts: ReceivedPost[] = [];
  let answers: readonly Answering[] = [answering(204)];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const post = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      posts.push(post);
      const [next, ...rest] = answers;
      if (rest.length > 0) answers = rest;
      next?.(response, post);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, port, posts, answer: (...given) => void (answers = given) };
}

/** A server for mail on this machine, and the mails that it has taken. */
export async function startMailServer(
  options: SMTPServerOptions = {},
): Promise<{ port: number; mails: readonly string[] }> {
  const mails: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData: (stream, _session, done) => {
      let mail = "";
      stream.setEncoding("utf8").on("data", (text: string) => (mail += text));
      stream.on("end", () => {
        mails.push(mail);
        done();
      });
    },
    ...options,
  });
  server.on("error", () => {});
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  atEnd(() => {
    server.close();
  });
  return { port: (server.server.address() as AddressInfo).port, mails };
}
