import { expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { startAppOn } from "../support/servers/app.js";

const AGENTS = 40;

test.each(BACKENDS)("first calls of many agents at once on %s record the sign of each a few times", async (backend) => {
  let recorded = 0;
  const app = await startAppOn(backend, {
    storeHooks: {
      fault({ statement }) {
        if (statement !== "COMMIT" && statement[0].startsWith("UPDATE agents SET seen_at")) recorded += 1;
        return undefined;
      },
    },
  });
  await app.call("create_project", { name: "p" });
  const shared = { project: "p", paths: ["f"], mode: "shared" as const };
  const agents = Array.from({ length: AGENTS }, (_, at) => `agent-${at}`);
  await Promise.all(agents.map((agent) => app.call("acquire_file_lock", { ...shared, agent })));
  expect(recorded).toBeGreaterThan(0);
  expect(recorded).toBeLessThan(AGENTS * 5);
  const { agents: known } = await app.call("list_agents", { limit: 200 });
  expect(known.map(({ name }) => name)).toEqual(expect.arrayContaining(agents));
});
