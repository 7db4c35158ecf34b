import path from "node:path";
import { expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { logPagesPer } from "../support/log-pages.js";
import { Crew, type Step } from "../support/fixtures/plan.js";

// A durable commit waits for its pages. What they are now stands in docs/decisions/0006.
const PAGES_MAX = { plain: 15, withFile: 23 } as const;
const WARM_UP = 300;
/** So few that the log is not begun anew among them. */
const PAIRS = 30;

test.each([
  ["a claim and a completion", PAGES_MAX.plain, (): Omit<Step, "key"> => ({})],
  ["a claim that locks a file and the completion that frees it", PAGES_MAX.withFile, fileOf],
])("%s write few pages of the log", async (_, most, rest) => {
  const database = path.join(temporaryDirectory(), "baton.db");
  const steps = Array.from({ length: WARM_UP + PAIRS + 50 }, (__, n) => ({ key: `t${n}`, ...rest(n) }));
  const workOff = async (pairs: number, plan?: readonly Step[]) => {
    const app = await startApp({ database });
    const crew = new Crew(app);
    if (plan) {
      await app.call("create_project", { name: "demo" });
      await crew.start(plan, { project: "demo" });
    }
    for (let n = 0; n < pairs; n++) await crew.complete(await crew.take("ann", { project: "demo" }));
    return app;
  };
  await (await workOff(WARM_UP, steps)).close();
  const again = await workOff(PAIRS);
  const pages = logPagesPer(PAIRS, database);
  await again.close();
  process.stderr.write(`pages of the log: ${pages}\n`);
  expect(pages).toBeLessThanOrEqual(most);
});

function fileOf(n: number): Omit<Step, "key"> {
  return { files: { write: [`docs/api/page-${n}.md`] } };
}
