import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/**
 * Reports the progress of a wait, the seconds waited so far; undefined where the client did not ask for progress. A
 * notification that can no longer be sent ends nothing: `failed` is told.
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
