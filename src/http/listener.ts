import { serve, type ServerType } from "@hono/node-server";
import { BatonError } from "../base/errors.js";
import { type Address, originOf } from "./address.js";

export type Fetch = (request: Request) => Response | Promise<Response>;

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
  static at(address: Address, fetch: Fetch): Promise<Listener> {
    const { host, port } = address;
    return new Promise((resolve, reject) => {
      const server = serve({ fetch, hostname: host, port }, (info) =>
        resolve(new Listener(server, { host, port: info.port })),
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
