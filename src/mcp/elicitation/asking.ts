import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { type CallToolResult, ElicitResultSchema } from "@modelcontextprotocol/sdk/types.js";
import type { Logger } from "../../runtime/logger.js";
import type { AskedDuring, Asker, AskerParts, Work } from "./elicitor.js";
import type { QuestionDesk } from "./questions.js";

export interface AskingParts {
  desk(): Promise<QuestionDesk>;
  readonly logger: Logger;
}

/** Questions to the person at the client, where that has said that it can show forms. */
export interface Asking {
  /** Carries out a call, during which that person may be asked. */
  during(call: AskedDuring, work: Work): Promise<CallToolResult>;
  /** Takes back what is shown. */
  close(): void;
}

/** Loaded with the first call of a client that can. */
// oxlint-disable-next-line typescript/no-deprecated -- meant for advanced use, which this is
export function serveAsking(server: Server, parts: AskingParts): Asking {
  let opening: Promise<Asker> | undefined;
  let pinged = false;
  const show: AskerParts["show"] = (params, options) => {
    // Clients of the SDK take back every form but that of a request with the id 0, which is the first that a server makes.
    if (!pinged) server.ping().catch((error: unknown) => parts.logger.debug("a ping was not answered", { error }));
    pinged = true;
    // Not `elicitInput`, which compiles a schema that agents have written: what is filled in is checked where it is decided.
    return server.request({ method: "elicitation/create", params }, ElicitResultSchema, options);
  };
  const open = (): Promise<Asker> => {
    opening ??= import("./elicitor.js").then((module) => new module.Asker({ ...parts, show }));
    return opening;
  };
  return {
    during: async (call, work) => {
      if (server.getClientCapabilities()?.elicitation?.form === undefined) return work(() => {});
      return (await open()).during(call, work);
    },
    close: () => void opening?.then((asker) => asker.close()),
  };
}
