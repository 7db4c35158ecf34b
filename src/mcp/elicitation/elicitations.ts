import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { type CallToolResult, ElicitResultSchema } from "@modelcontextprotocol/sdk/types.js";
import type { Logger } from "../../runtime/logger.js";
import type { ElicitingCall, Elicitor, ElicitorParts, CallWork } from "./elicitor.js";
import type { ElicitationHost } from "./elicitation-host.js";

export interface ElicitationsParts {
  host(): Promise<ElicitationHost>;
  readonly logger: Logger;
}

/** Questions to the person at a client that has declared that it can show forms. */
export interface Elicitations {
  /** Runs a call, during which that person may be asked. */
  during(call: ElicitingCall, work: CallWork): Promise<CallToolResult>;
  /** Withdraws the form on display. */
  close(): void;
}

/** The elicitor is loaded with the first call of a client that can show forms. */
// oxlint-disable-next-line typescript/no-deprecated -- meant for advanced use, which this is
export function serveElicitations(server: Server, parts: ElicitationsParts): Elicitations {
  let opening: Promise<Elicitor> | undefined;
  let pinged = false;
  const show: ElicitorParts["show"] = (params, options) => {
    // Clients of the SDK cannot withdraw the form of request id 0, the first that a server sends: a ping takes that id.
    if (!pinged) server.ping().catch((error: unknown) => parts.logger.debug("a ping was not answered", { error }));
    pinged = true;
    // `elicitInput` would compile a schema that agents have written. The answers are checked by decide_escalation instead.
    return server.request({ method: "elicitation/create", params }, ElicitResultSchema, options);
  };
  const open = (): Promise<Elicitor> => {
    opening ??= import("./elicitor.js").then((module) => new module.Elicitor({ ...parts, show }));
    return opening;
  };
  return {
    during: async (call, work) => {
      if (server.getClientCapabilities()?.elicitation?.form === undefined) return work(() => {});
      return (await open()).during(call, work);
    },
    close: () => void opening?.then((elicitor) => elicitor.close()),
  };
}
