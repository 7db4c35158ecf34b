import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/**
 * What reports the progress of a wait, where the client asked for progress: the seconds waited so far. Undefined where
 * it did not. A notification that cannot be sent any more ends nothing: `failed` hears of it.
 */
export function progressReporter(
  extra: Extra,
  failed: (error: unknown) => void,
): ((elapsedMs: number) => void) | undefined {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return (elapsedMs) => {
    const progress = Math.round(elapsedMs / 1000);
    extra
      .sendNotification({
        method: "notifications/progress",
        params: { progressToken, progress, message: `waiting for ${progress} s` },
      })
      .catch(failed);
  };
}
