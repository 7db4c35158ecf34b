import type { Socket } from "node:net";
import { serve, type ServerType } from "@hono/node-server";
import { BatonError } from "../base/errors.js";
import type { Traffic } from "./metrics/traffic.js";
import { type Address, originOf } from "./address.js";

type Fetch = (request: Request, env: object) => Response | Promise<Response>;

/** Longer than a proxy keeps an idle connection: it would else use one that this server is about to close. */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_MS_MAX = 10_000;
/** How often connections that have become idle are closed while the port closes. */
const IDLE_POLL_MS = 20;
const CHECKING_MS_MAX = 1_000;
const HEADER_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 4_096;

/** The answers of an address, and how long its requests may take. */
export interface Serving {
  /** Made when its port is known. */
  at(bound: Address): Fetch;
  /** A request is here within this time: who sends slowly holds no connection for long. */
  readonly requestMs: number;
  /** Counts its bytes. */
  readonly traffic: Traffic;
}

/** A port that is listened at. */
export class Listener {
  /** The port is the one that it got. */
  readonly address: Address;
  readonly #server: ServerType;

  private constructor(server: ServerType, address: Address) {
    this.#server = server;
    this.address = address;
  }

  /** Errors: `unavailable` where the address is taken or not this machine's. */
  static at(address: Address, serving: Serving): Promise<Listener> {
    const { host, port } = address;
    return new Promise((resolve, reject) => {
      let fetch: Fetch;
      const server = serve(
        { fetch: (request, env) => fetch(request, env), hostname: host, port, serverOptions: limitsOf(serving) },
        (info) => {
          const bound = { host, port: info.port };
          fetch = serving.at(bound);
          resolve(new Listener(server, bound));
        },
      );
      server.maxConnections = CONNECTIONS_MAX;
      server.on("connection", (socket: Socket) => serving.traffic.add(socket));
      server.once("error", (error: Error) =>
        reject(new BatonError("unavailable", `Nothing listens at ${originOf(address)}: ${error.message}.`)),
      );
    });
  }

  /** Takes no more requests. Settles when those under way have been answered. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closeIdle();
      // A connection whose answer was under way, such as a stream, is idle after it, and its client may keep it open.
      const polling = setInterval(() => this.#closeIdle(), IDLE_POLL_MS);
      this.#server.close(() => {
        clearInterval(polling);
        resolve();
      });
    });
  }

  #closeIdle(): void {
    if ("closeIdleConnections" in this.#server) this.#server.closeIdleConnections();
  }
}

function limitsOf({ requestMs }: Serving) {
  return {
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: requestMs,
    headersTimeout: Math.min(HEADERS_MS_MAX, requestMs),
    connectionsCheckingInterval: Math.min(CHECKING_MS_MAX, requestMs),
    maxHeaderSize: HEADER_BYTES_MAX,
  };
}
