import type { Socket } from "node:net";
import { bytesFamily, type MetricFamily } from "../../engine/metrics/families.js";

/** Bytes that have come and gone over the connections of this server. Each socket counts its own; they are added when they are asked for. */
export class Traffic {
  readonly #open = new Set<Socket>();
  #read = 0;
  #written = 0;

  add(socket: Socket): void {
    this.#open.add(socket);
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#read += socket.bytesRead;
      this.#written += socket.bytesWritten;
    });
  }

  get family(): MetricFamily {
    const sum = (of: "bytesRead" | "bytesWritten") => [...this.#open].reduce((total, socket) => total + socket[of], 0);
    return bytesFamily("http", { in: this.#read + sum("bytesRead"), out: this.#written + sum("bytesWritten") });
  }
}
