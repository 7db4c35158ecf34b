import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, holdAnswers, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { askOf, startTeamServer } from "../../support/dashboard/team-server.js";
import { startHttpServer } from "../../support/http/http-server.js";
import { shared } from "../../support/lifetime.js";

describe.skipIf(!HAS_BROWSER)("a run", () => {
  const browser = shared(launchBrowser);
  const server = shared(startTeamServer);
  const open = (view: string) => openPage(browser(), `${server().origin}/#/run/${server().checkout}?view=${view}`);

  test("is drawn as a graph that the keyboard moves", async () => {
    const { page, strays, errors } = await open("graph");
    const graph = page.getByRole("img", { name: /^Graph of 8 tasks/ });
    await graph.waitFor();
    // The picture changes with the sight; the whole of it comes back.
    const shot = async () => (await graph.screenshot()).toString("base64");
    await graph.focus();
    await page.keyboard.press("0");
    const whole = await shot();
    await page.keyboard.press("+");
    await expect.poll(async () => (await shot()) === whole).toBe(false);
    await page.keyboard.press("0");
    await expect.poll(async () => (await shot()) === whole).toBe(true);
    expect(await violationsOn(page)).toEqual([]);
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });

  test("is drawn as a graph in the colours of the theme, also when that changes while it is open", async () => {
    const { page } = await open("graph");
    await page.getByRole("img", { name: /^Graph of 8 tasks/ }).waitFor();
    // The pixels of the canvas alone: what stands behind it changes by itself.
    const pixels = async () => page.evaluate("document.querySelector('canvas').toDataURL()");
    const light = await pixels();
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(async () => (await pixels()) === light).toBe(false);
    await page.emulateMedia({ colorScheme: "light" });
    await expect.poll(async () => (await pixels()) === light).toBe(true);
  });

  test("has a timeline in which the time in the queue stands apart from attempts", async () => {
    const { page } = await open("timeline");
    const orders = page.getByRole("listitem").filter({ hasText: "orders" });
    await orders.getByLabel(/^in the queue .* s$|^in the queue .* ms$/).waitFor();
    await orders.getByLabel(/^at work .*, dan$/).waitFor();
    expect(await violationsOn(page)).toEqual([]);
  });

  test("shows in its list what another process commits, and one task with its attempts beside", async () => {
    const { page } = await open("list");
    const other = askOf(await startHttpServer({ database: server().database }));
    const orders = page.getByRole("listitem").filter({ hasText: "Store orders" });
    await orders.getByText("running").waitFor();
    const { tasks } = await other("list_tasks", { run: server().checkout });
    const { id: task } = tasks.find(({ key }) => key === "orders")!;
    const { lease } = await other("claim_task", { agent: "dan", run: server().checkout });
    await other("complete_task", { task, token: lease!.token, agent: "dan", result: { table: "orders" } });
    await orders.getByText("succeeded").waitFor();
    await page.getByRole("listitem").filter({ hasText: "Confirmation mails" }).getByText("ready").waitFor();
    await orders.getByRole("link").click();
    const detail = page.getByRole("article", { name: "Task" });
    await detail.getByText("succeeded by dan").waitFor();
    await detail.getByText('"table": "orders"').waitFor();
    expect(await violationsOn(page)).toEqual([]);
  });

  test("has a heading before its facts are there, and where there is no such run", async () => {
    const { page } = await openPage(browser(), `${server().origin}/#/run/R-none?view=timeline`);
    await page.getByRole("alert").first().waitFor();
    expect(await violationsOn(page)).toEqual([]);
    const letGo = await holdAnswers(page, "get_run");
    await page.goto(`${server().origin}/#/run/${server().checkout}?view=timeline`);
    await page.getByText("in the queue").first().waitFor();
    expect(await violationsOn(page)).toEqual([]);
    letGo();
    await page.getByRole("heading", { level: 1, name: "checkout" }).waitFor();
  });

  test("is paused and resumed from its head", async () => {
    const { page } = await open("list");
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Pause" }).waitFor();
    const { run } = await server().ask("get_run", { run: server().checkout });
    expect(run.status).toBe("running");
  });
});
