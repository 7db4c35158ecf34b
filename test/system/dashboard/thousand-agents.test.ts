import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { frameWords, scrolling } from "../../support/dashboard/frames.js";
import { LARGE_RUN_TASKS, largeRun } from "../../support/dashboard/large-run.js";
import type { Ask } from "../../support/dashboard/busy-team.js";
import { askOf } from "../../support/dashboard/team-server.js";
import { startHttpServer } from "../../support/http/http-server.js";
import { shared } from "../../support/lifetime.js";
import { until } from "../../support/until.js";

const AGENTS = 1_000;
const WORKING = 40;
/** Far more than a machine takes that is not busy: the figures are printed. */
const FRAME_MS_MAX = 1_000;
/** More rows than any window shows are not drawn. */
const ROWS_MAX = 130;

const nameOf = (at: number) => `agent-${String(at).padStart(4, "0")}`;

interface ReadOn {
  readonly isShort: boolean;
  readonly violations: readonly unknown[];
}

const READ_ON: ReadOn = { isShort: true, violations: [] };

/** Goes down to what stands last: each time the end of what has been read comes into sight the next page is read. */
async function readOnTo(page: Page, end: string): Promise<ReadOn> {
  await until(`${end} is shown`, async () => {
    await page.keyboard.press("End");
    return (await page.getByText(end, { exact: true }).count()) === 1;
  });
  const rows = await page.locator("tbody tr").count();
  return { isShort: rows < ROWS_MAX, violations: await violationsOn(page) };
}

/** Agents with a run of 10,000 tasks, some at work under file locks that all others wait for in line. */
async function manyAgents(ask: Ask): Promise<string> {
  const run = await largeRun(ask);
  for (let at = 0; at < AGENTS; at++)
    await ask("register_agent", { name: nameOf(at), roles: ["backend"], capabilities: ["typescript"] });
  for (let at = 0; at < WORKING; at++) {
    const agent = nameOf(at);
    const { task } = await ask("claim_task", { agent, run });
    if (task === undefined) throw new Error(`${agent} got no task`);
    const paths = Array.from({ length: 10 }, (_, file) => `src/${agent}/part-${file}.ts`);
    await ask("acquire_file_lock", { paths, agent, project: "large", wait_seconds: 0 });
    await ask("record_usage", { task: task.id, model: "m", input_tokens: 1_000, output_tokens: 10, cost: 0.1, agent });
  }
  return run;
}

describe.skipIf(!HAS_BROWSER)(`${AGENTS} agents and ${LARGE_RUN_TASKS} tasks`, () => {
  const browser = shared(launchBrowser);
  const server = shared(async () => {
    const started = await startHttpServer();
    return { ...started, run: await manyAgents(askOf(started)) };
  });

  const views = [
    { view: "agents", first: "agent-0000", end: "agent-0999" },
    { view: "locks", first: "src/agent-0000/part-0.ts", end: "src/agent-0039/part-9.ts" },
    { view: "runs", first: "large" },
    { view: "costs", first: "$4.00" },
    { view: "history", first: "project.created" },
    { view: "needs-me", first: "Nothing waits for you." },
    { view: "run/RUN?view=timeline", first: "t0" },
  ];

  test.each(views)("the view $view scrolls without a jerk, to its end", async ({ view, first, end }) => {
    const address = `${server().origin}/#/${view.replace("RUN", server().run)}`;
    const { page, errors } = await openPage(browser(), address);
    // The choice of projects stands outside and has their names too.
    await page.getByRole("main").getByText(first, { exact: true }).first().waitFor({ timeout: 60_000 });
    const times = await scrolling(page);
    process.stdout.write(`${AGENTS} agents and ${LARGE_RUN_TASKS} tasks, ${view}: ${frameWords(times)}\n`);
    expect(times.mean).toBeLessThan(FRAME_MS_MAX);
    expect(await page.locator("tbody tr, .timeline li").count()).toBeLessThan(ROWS_MAX);
    expect(end === undefined ? READ_ON : await readOnTo(page, end)).toEqual(READ_ON);
    expect(errors).toEqual([]);
  });
});
