import type { Finding } from "../checker.js";
import type { Snapshot } from "../snapshot.js";

/** Context windows whose counters are not the sums of the messages that they hold. */
export function windowFindings({ together }: Snapshot): Finding[] {
  return together.windows.flatMap(({ id, tokens, messages, held }): Finding[] => {
    if (tokens === held.tokens && messages === held.messages) return [];
    const detail = `says ${tokens} tokens in ${messages} messages, and holds ${held.tokens} in ${held.messages}`;
    return [{ invariant: "windows", subject: id, detail }];
  });
}
