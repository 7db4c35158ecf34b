import { describe, expect, test } from "vitest";
import { isLong } from "../support/counts.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { bestOfFew } from "../support/in-time.js";
import { connectClient } from "../support/servers/client.js";
import { type Attack, ATTACKS, NEIGHBOURS, type Target } from "./attacks.js";
import { shared } from "../support/lifetime.js";

/** `npm run test:system` tries one attack of each class, the long tests their neighbours too. */
const TRIED: Readonly<Record<string, Attack>> = isLong ? { ...ATTACKS, ...NEIGHBOURS } : ATTACKS;

describe.each(BACKENDS)("a second process on %s writes within a second", (backend) => {
  const servers = shared(async () => {
    const { location } = await createDatabase(backend);
    const cwd = temporaryDirectory();
    const attacker = await connectClient({ database: location, cwd });
    return { attacker, other: await connectClient({ database: location, cwd }) };
  });

  test.each(Object.keys(TRIED))("beside %s", async (name) => {
    const { attacker, other } = servers();
    const project = `p${Object.keys(TRIED).indexOf(name)}`;
    const target: Target = { ...attacker, project };
    const write = () => other.call("create_task", { project, title: "t", prompt: "p", role: "other" });
    await attacker.call("create_project", { name: project });
    await write();
    await bestOfFew(async (inTime) => {
      const attack = { ended: false, failure: "" };
      const attacked = TRIED[name]!(target)
        .catch((error: unknown) => (attack.failure = String(error)))
        .finally(() => (attack.ended = true));
      try {
        do {
          const from = performance.now();
          await write();
          inTime(1_000, from);
        } while (!attack.ended);
      } finally {
        // The next try has the database to itself, not beside the rest of this one.
        await attacked;
      }
      // It is refused by name or carried out: none of them breaks the server.
      expect(attack.failure).not.toMatch(/internal|unavailable|closed/i);
    });
  });
});
