import { messageOf } from "../../base/errors.js";
import type { JsonObject } from "../../base/json.js";
import { shownJson } from "../../base/texts/shown-text.js";
import type { Engine } from "../../engine/engine.js";
import { answerOf } from "../../guard/hooks/hook-answer.js";
import { readHookCall } from "../../guard/hooks/hook-call.js";
import { judge } from "../../guard/judgement.js";
import { unguarded } from "../../guard/wording.js";
import { hookDatabase } from "./hook-database.js";
import { hostOver, within } from "./guard-host.js";

/** Clients wait no longer for a hook. */
const TIME_MAX_MS = 2_500;

/** Answers hooks that come over the client's own connection: that tells who asks, whatever the document says. */
export class ConnectedHooks {
  #hasFailed = false;

  /** Returns what the hook prints; empty where the work goes on and nothing is said. A failure is told once. */
  async answer(engine: () => Promise<Engine>, document: JsonObject, cwd: string): Promise<string> {
    const call = readHookCall(document, cwd);
    if (call === undefined || call.event === "other" || (call.event === "stop" && call.again)) return "";
    const { client, conversation } = call;
    const origin = { client, conversation, ancestors: [], process: undefined, ownHandle: undefined };
    try {
      const verdict = await within(TIME_MAX_MS, async () => {
        return judge(call, hostOver(hookDatabase(await engine(), origin), call.cwd));
      });
      return answerOf(call, verdict).trim();
    } catch (error) {
      if (this.#hasFailed) return "";
      this.#hasFailed = true;
      return shownJson({ systemMessage: unguarded(messageOf(error)) });
    }
  }
}
