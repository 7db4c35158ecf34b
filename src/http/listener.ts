import { serve, type ServerType } from "@hono/node-server";
import { BatonError } from "../base/errors.js";
import { type Address, originOf } from "./address.js";

type Fetch = (request: Request, env: object) => Response | Promise<Response>;

/** Longer than a proxy keeps an idle connection: it would else use one that this server is about to close. */
const KEEP_ALIVE_MS = 65_000;
/** A request is here within this time, its headers within a part of it: who sends slowly holds no connection for long. */
const LIMITS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
};

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
  static at(address: Address, serving: (bound: Address) => Fetch): Promise<Listener> {
    const { host, port } = address;
    return new Promise((resolve, reject) => {
      let fetch: Fetch;
      const server = serve(
        { fetch: (request, env) => fetch(request, env), hostname: host, port, serverOptions: LIMITS },
        (info) => {
          const bound = { host, port: info.port };
          fetch = serving(bound);
          resolve(new Listener(server, bound));
        },
      );
      server.once("error", (error: Error) =>
        reject(new BatonError("unavailable", `Nothing listens at ${originOf(address)}: ${error.message}.`)),
      );
    });
  }

  /** Takes no more requests. Settles when those under way have been answered. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      if ("closeIdleConnections" in this.#server) this.#server.closeIdleConnections();
    });
  }
}
