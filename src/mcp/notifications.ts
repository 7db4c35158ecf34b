import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Where the progress of a request is sent; without a token the client did not ask for it. */
export interface ProgressChannel {
  readonly token: string | number | undefined;
  readonly send: (notification: ProgressNotification) => Promise<void>;
}

export interface ProgressNotification {
  method: "notifications/progress";
  params: { progressToken: string | number; progress: number; message: string };
}

/**
 * Reports the progress of a wait, the seconds waited so far; undefined where the client did not ask for progress. A
 * notification that can no longer be sent ends nothing: `failed` is told.
 */
export function progressReporter(
  { token, send }: ProgressChannel,
  failed: (error: unknown) => void,
): ((elapsedMs: number) => void) | undefined {
  if (token === undefined) return undefined;
  return (elapsedMs) => {
    const progress = Math.round(elapsedMs / 1000);
    const params = { progressToken: token, progress, message: `waiting for ${progress} s` };
    send({ method: "notifications/progress", params }).catch(failed);
  };
}
