import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/databases/databases.js";
import { connectClient } from "../support/servers/client.js";
import { until } from "../support/until.js";

const IS_MAC = process.platform === "darwin";
const PROGRAM = IS_MAC ? "osascript" : "notify-send";
/** In front of the texts; only the program of Linux reads markup in the second one. */
const OPTIONS = IS_MAC ? /^-e,on run argv/ : /^--app-name=Baton,--$/;
const QUOTED = IS_MAC ? "<b>now</b>" : "&lt;b&gt;now&lt;/b&gt;";
const ASKS = { type: "security_review", title: "Stop <b>now</b>?", priority: "critical", agent: "ben" } as const;

/** A server with a desktop target whose program is this shell script, or none; and the first delivery once an attempt at it has ended. */
async function attempt(script: string | undefined, env: Record<string, string> = {}) {
  const directory = temporaryDirectory();
  const out = path.join(directory, "arguments");
  if (script !== undefined) {
    const program = path.join(directory, PROGRAM);
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
  }
  const client = await connectClient({
    env: { PATH: directory, OUT: out, BATON_NOTIFICATIONS: JSON.stringify({ desktop: {} }), ...env },
  });
  const { escalation } = await client.call("escalate", ASKS);
  const delivery = await until("the end of an attempt", async () => {
    const [first] = (await client.query("list_deliveries")).deliveries;
    return first?.status === "delivered" || first?.error !== undefined ? first : undefined;
  });
  const shown = existsSync(out) ? readFileSync(out, "utf8").split("\0") : [];
  return { client, delivery, shown, escalation };
}

describe.skipIf(process.platform === "win32")("the program of the desktop", () => {
  test("gets a question once, as arguments in which an agent's words are neither an option nor markup", async () => {
    const { client, delivery, shown, escalation } = await attempt(`printf '%s\\0' "$@" >> "$OUT"`);
    expect(delivery).toMatchObject({ target: "desktop", status: "delivered", attempts: 1 });
    const [title, text] = shown.slice(-3);
    expect(shown.slice(0, -3).join()).toMatch(OPTIONS);
    expect(title).toBe("Decision needed: Stop <b>now</b>?");
    expect(text).toContain(`baton approve ${escalation.id}`);
    expect(text).toContain(QUOTED);
    await client.close();
  });

  test.each([
    ["ends with an error", "exit 3", {}, `${PROGRAM} ended with 3`],
    ["is not there", undefined, {}, `${PROGRAM} is not installed`],
    ["hangs", "exec /bin/sleep 600", { BATON_DELIVERY_TIMEOUT_MS: "1000" }, "no answer within 1000 ms"],
  ])(
    "that %s leaves the notification for a later attempt, and the server as it was",
    async (...[, script, env, error]) => {
      const { client, delivery } = await attempt(script, env);
      expect(delivery).toMatchObject({ status: "pending", attempts: 1, error });
      expect((await client.query("list_escalations", { tier: "human" })).escalations).toHaveLength(1);
      await client.close();
    },
  );
});
