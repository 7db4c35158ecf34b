import { createServer, connect, type AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** CommandComplete, and ReadyForQuery: the server has answered all that was sent up to a Sync, or a simple query. */
const [COMPLETE, READY] = ["C", "Z"];
const IN_TRANSACTION = "T";
const HEADER = 5;

/** A door in front of a PostgreSQL server that counts the round trips of all connections that go through it. */
export class RoundTrips {
  #count = 0;

  private constructor(readonly url: string) {}

  static async to(url: string): Promise<RoundTrips> {
    const { hostname, port } = new URL(url);
    const server = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      let tag = "";
      const messages = new Messages((type, body) => {
        if (type === COMPLETE) tag = body;
        // Counts round trips of transactions: hints to other processes are sent some time after a commit, and no call
        // waits for them.
        if (type === READY && (body === IN_TRANSACTION || tag.startsWith("COMMIT"))) trips.#count += 1;
      });
      upstream.on("data", (data) => messages.add(data));
      client.pipe(upstream).pipe(client);
      // Each side ends with the other, however that went.
      client.on("error", () => upstream.destroy());
      upstream.on("error", () => client.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const own = new URL(url);
    own.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const trips = new RoundTrips(own.href);
    return trips;
  }

  async of(work: () => Promise<unknown>): Promise<number> {
    const before = this.#count;
    await work();
    return this.#count - before;
  }
}

/** Cuts a stream of the server's messages: a byte of type, four of length, the rest. */
class Messages {
  readonly #told: (type: string, body: string) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(told: (type: string, body: string) => void) {
    this.#told = told;
  }

  add(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    while (this.#rest.length >= HEADER) {
      const length = 1 + this.#rest.readInt32BE(1);
      if (this.#rest.length < length) return;
      this.#told(this.#rest.toString("latin1", 0, 1), this.#rest.toString("utf8", HEADER, length));
      this.#rest = this.#rest.subarray(length);
    }
  }
}
