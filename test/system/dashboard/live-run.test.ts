import { describe, expect, test } from "vitest";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { askOf } from "../../support/dashboard/team-server.js";
import { startHttpServer } from "../../support/http/http-server.js";
import { shared } from "../../support/lifetime.js";
import { connectClient, type TestClient } from "../../support/servers/client.js";

const LAYERS = 4;
const WIDE = 3;
const TASKS = LAYERS * WIDE;

/** Each needs all of the layer before. */
const STEPS = Array.from({ length: TASKS }, (_, at) => {
  const layer = Math.floor(at / WIDE);
  const before = [...Array(WIDE).keys()].map((beside) => `t${(layer - 1) * WIDE + beside}`);
  return { key: `t${at}`, title: `Task ${at}`, prompt: "do it", ...(layer > 0 && { needs: before }) };
});

/** An assistant: works on a run until nothing of it is left. */
async function work({ call }: TestClient, run: string): Promise<number> {
  for (let done = 0; ; done++) {
    const { task, lease } = await call("claim_task", { run, wait_seconds: 2 });
    if (task === undefined || lease === undefined) {
      if ((await call("get_run", { run })).run.status === "succeeded") return done;
      done -= 1;
      continue;
    }
    await call("report_progress", { task: task.id, token: lease.token, percent: 50, note: "half of it" });
    await call("complete_task", { task: task.id, token: lease.token, result: {} });
  }
}

describe.skipIf(!HAS_BROWSER)("a live run", () => {
  const browser = shared(launchBrowser);

  test("is followed to its end on one page while three assistants with servers of their own work on it", async () => {
    const server = await startHttpServer();
    const { database } = server;
    const ask = askOf(server);
    await ask("create_project", { name: "shop" });
    const { run } = await ask("execute_workflow", { project: "shop", definition: { name: "demo", steps: STEPS } });
    const { page, strays, errors } = await openPage(browser(), `${server.origin}/#/run/${run.id}?view=list`);
    await page.getByText(`0 of ${TASKS}`).waitFor();
    // The counts of the head as they are shown, one after the other.
    await page.evaluate(`
      window.counts = [];
      new MutationObserver(() => {
        const [, count] = /(\\d+) of ${TASKS}/.exec(document.querySelector(".head").textContent) ?? [];
        if (count !== undefined && window.counts.at(-1) !== Number(count)) window.counts.push(Number(count));
      }).observe(document.body, { childList: true, subtree: true, characterData: true });`);
    const names = ["claude-code", "codex-mcp-client", "cursor-vscode"];
    const clients = await Promise.all(names.map((clientName) => connectClient({ database, clientName })));
    const done = await Promise.all(clients.map((client) => work(client, run.id)));
    expect(done.reduce((sum, count) => sum + count, 0)).toBe(TASKS);
    await page.getByText(`${TASKS} of ${TASKS}`).waitFor();
    await page.locator(".head").getByText("succeeded").waitFor();
    await expect.poll(() => page.locator(".task-list li").filter({ hasText: "succeeded" }).count()).toBe(TASKS);
    const counts = (await page.evaluate("window.counts")) as number[];
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.length).toBeGreaterThan(2);
    await page.getByRole("link", { name: "Timeline" }).click();
    for (const name of ["claude-code", "codex", "cursor"])
      await page
        .getByLabel(new RegExp(`^succeeded .*${name}`))
        .first()
        .waitFor();
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });
});
