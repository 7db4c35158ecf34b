import type { HttpBindings } from "@hono/node-server";

/** The variables of a request, its own id under which the log and a problem name it, and Node's own request and response. */
export interface Env {
  Variables: { request: string };
  Bindings: HttpBindings;
}
