import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A request whose text is made once. */
export interface Prepared {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const END_OF_HEAD = "\r\n\r\n";
const LAST_CHUNK = "0\r\n\r\n";

/**
 * One connection that is kept, with one request at a time. Written by hand: the clients of Node and of the SDKs take longer for a
 * request than the servers that are measured.
 */
export class Connection {
  #socket: Socket;
  readonly #at: URL;
  #received = "";
  #settle: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;

  private constructor(socket: Socket, at: URL) {
    this.#socket = this.#listening(socket);
    this.#at = at;
  }

  #listening(socket: Socket): Socket {
    // Answers are ASCII here, so a unit of text is a byte.
    socket.setEncoding("latin1").setNoDelay(true);
    socket.on("data", (text: string) => {
      this.#received += text;
      this.#take();
    });
    socket.on("error", (error) => this.#settle?.reject(error));
    socket.on("close", () => this.#settle?.reject(new Error("the server closed the connection")));
    return socket;
  }

  static async to(origin: string): Promise<Connection> {
    const at = new URL(origin);
    return new Connection(await connected(at), at);
  }

  /** Posts JSON and waits for the whole answer. */
  async post({ path, headers = {} }: Prepared, body: string): Promise<HttpAnswer> {
    // A server closes a connection that has been idle for seconds.
    if (this.#socket.closed || this.#socket.readableEnded) this.#socket = this.#listening(await connected(this.#at));
    const fields = Object.entries({
      Host: this.#at.host,
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}`);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(`POST ${path} HTTP/1.1\r\n${fields.join("\r\n")}${END_OF_HEAD}${body}`);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #take(): void {
    const endOfHead = this.#received.indexOf(END_OF_HEAD);
    if (endOfHead < 0) return;
    const head = this.#received.slice(0, endOfHead);
    const rest = this.#received.slice(endOfHead + END_OF_HEAD.length);
    const length = /^content-length: (\d+)$/im.exec(head)?.[1];
    const isWhole = length === undefined ? rest.endsWith(LAST_CHUNK) : rest.length >= Number(length);
    if (!isWhole) return;
    this.#received = "";
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve({ status: Number(head.slice(9, 12)), body: rest });
  }
}

async function connected({ port, hostname }: URL): Promise<Socket> {
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  return socket;
}
