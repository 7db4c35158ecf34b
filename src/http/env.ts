import type { HttpBindings } from "@hono/node-server";
import type { Visitor } from "./access/admission.js";

/** The variables of a request, and Node's own request and response. */
export interface Env {
  Variables: {
    /** Its own id, under which the log and a problem name it. */
    request: string;
    visitor: Visitor;
  };
  Bindings: HttpBindings;
}
