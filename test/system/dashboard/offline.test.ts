import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import type { Ask } from "../../support/dashboard/busy-team.js";
import { askOf } from "../../support/dashboard/team-server.js";
import { type HttpServer, startHttpServer } from "../../support/http/http-server.js";
import { shared } from "../../support/lifetime.js";

const OFFLINE = "Offline: shown as it was";
const STEPS = ["a", "b", "c"].map((key) => ({ key, title: `Step ${key}`, prompt: "do it" }));

/** Claims and completes the next task of a run; returns its key. */
async function workOn(ask: Ask, run: string): Promise<string> {
  const { task, lease } = await ask("claim_task", { agent: "ann", run });
  await ask("complete_task", { task: task!.id, token: lease!.token, agent: "ann", result: {} });
  return task!.key;
}

async function startedRun(ask: Ask, name = "w"): Promise<string> {
  await ask("create_project", { name: "shop" });
  const { run } = await ask("execute_workflow", { project: "shop", definition: { name, steps: STEPS } });
  return run.id;
}

const live = (page: Page) => page.getByText("Live", { exact: true }).waitFor();

/** Each row of the timeline with its bars, in words. */
async function bars(page: Page): Promise<Record<string, string[]>> {
  const rows = await page.locator(".timeline li").all();
  const read = rows.map(async (row): Promise<[string, string[]]> => {
    const spans = await row.locator(".track span").all();
    const words = await Promise.all(spans.map(async (span) => (await span.getAttribute("aria-label")) ?? ""));
    return [await row.getByRole("link").innerText(), words.map((word) => word.replace(/ [\d.]+ m?s,?/, ""))];
  });
  return Object.fromEntries(await Promise.all(read));
}

describe.skipIf(!HAS_BROWSER)("a page that loses its server", () => {
  const browser = shared(launchBrowser);

  test("says so, keeps what it has, and shows what happened meanwhile: once, without a reload", async () => {
    const server = await startHttpServer();
    const other = askOf(await startHttpServer({ database: server.database }));
    const run = await startedRun(other);
    const { page } = await openPage(browser(), `${server.origin}/#/run/${run}?view=timeline`);
    await live(page);
    await page.evaluate("window.isSamePage = true");
    const first = await workOn(other, run);
    await expect.poll(async () => bars(page)).toEqual({ [first]: ["succeeded ann"] });

    await page.context().setOffline(true);
    await page.getByText(OFFLINE).waitFor();
    const second = await workOn(other, run);
    expect(await bars(page)).toEqual({ [first]: ["succeeded ann"] });
    // A view that has not been shown yet is there, and says what it lacks.
    await page.getByRole("link", { name: "Locks" }).click();
    await page.getByRole("heading", { name: "Locks and waiters" }).waitFor();
    await page.getByRole("main").getByRole("alert").getByText("The server does not answer.").waitFor();
    await page.goBack();
    await page.getByText("at work").waitFor();

    await page.context().setOffline(false);
    await live(page);
    await expect.poll(async () => (await bars(page))[second]).toEqual(["succeeded ann"]);
    const third = await workOn(other, run);
    await page.getByText("3 of 3").waitFor();
    const once = ["succeeded ann"];
    await expect.poll(async () => bars(page)).toEqual({ [first]: once, [second]: once, [third]: once });
    expect(await page.evaluate("window.isSamePage")).toBe(true);
  });

  test("goes on with one that is killed and started again at its address, on the same database or another", async () => {
    const server = await startHttpServer();
    const address = new URL(server.origin).host;
    const other = askOf(await startHttpServer({ database: server.database }));
    const run = await startedRun(other);
    const { page } = await openPage(browser(), `${server.origin}/#/run/${run}?view=timeline`);
    await live(page);
    await page.getByText("0 of 3").waitFor();
    await page.evaluate("window.isSamePage = true");
    await kill(server);
    await page.getByText(OFFLINE).waitFor();
    const first = await workOn(other, run);
    expect(await bars(page)).toEqual({});
    const again = await startHttpServer({ database: server.database, address });
    await live(page);
    await expect.poll(async () => (await bars(page))[first]).toEqual(["succeeded ann"]);
    await page.getByText("1 of 3").waitFor();

    // The place where the stream was is none of another database's history: all is read again.
    await page.getByRole("link", { name: "Runs" }).first().click();
    await page.getByRole("link", { name: "w", exact: true }).waitFor();
    await kill(again);
    await page.getByText(OFFLINE).waitFor();
    const replaced = await startHttpServer({ address });
    await startedRun(askOf(replaced), "of-another-database");
    await live(page);
    await page.getByRole("link", { name: "of-another-database" }).waitFor();
    expect(await page.getByRole("link", { name: "w", exact: true }).count()).toBe(0);
    expect(await page.evaluate("window.isSamePage")).toBe(true);
  });
});

async function kill({ child, ended }: HttpServer): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}
