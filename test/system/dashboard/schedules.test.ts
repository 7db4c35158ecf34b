import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { askOf } from "../../support/dashboard/team-server.js";
import { startHttpServer } from "../../support/http/http-server.js";
import { shared } from "../../support/lifetime.js";
import { startApp } from "../../support/servers/app.js";

const HOUR = 3_600_000;

/** A database in which one schedule has started a run, and the workflow of another was deleted before its starts. */
async function scheduledDatabase(): Promise<string> {
  const { call, advance, close, database } = await startApp();
  await call("create_project", { name: "shop" });
  for (const name of ["backup", "report"]) {
    await call("create_workflow", {
      project: "shop",
      definition: { name, steps: [{ key: "dump", prompt: "Dump it." }] },
    });
    await call("schedule_workflow", {
      project: "shop",
      workflow: name,
      cron: "0 3 * * *",
      timezone: "UTC",
      overlap: name === "report",
    });
  }
  await advance(24 * HOUR);
  await call("delete_workflow", { project: "shop", name: "report" });
  for (let day = 0; day < 2; day++) await advance(24 * HOUR);
  await close();
  return database;
}

describe.skipIf(!HAS_BROWSER)("the schedules", () => {
  const browser = shared(launchBrowser);
  const server = shared(async () => startHttpServer({ database: await scheduledDatabase() }));

  test("say when they start, what came of the last start, and why starts failed", async () => {
    const { page, strays, errors } = await openPage(browser(), `${server().origin}/#/schedules`);
    const backup = page.getByRole("row", { name: /^backup/ });
    await backup.getByText("0 3 * * *").waitFor();
    await backup.getByText(/^in \d+ h$/).waitFor();
    const report = page.getByRole("row", { name: /^report/ });
    await report.getByText(/^[2-9] starts in a row failed: .*was deleted/).waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await backup.getByRole("link", { name: "Open its run" }).click();
    await page.getByRole("heading", { name: "backup" }).waitFor();
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });

  test("are run now, paused and resumed; what is done is told to other pages too", async () => {
    const ask = askOf(server());
    const { page } = await openPage(browser(), `${server().origin}/#/schedules`);
    const { page: other } = await openPage(browser(), `${server().origin}/#/schedules`);
    const backup = page.getByRole("row", { name: /^backup/ });
    await other.getByRole("row", { name: /^backup/ }).waitFor();
    await backup.getByRole("button", { name: "Pause" }).click();
    await other.getByRole("row", { name: /^backup.*paused/ }).waitFor();
    await backup.getByRole("button", { name: "Resume" }).click();
    await backup.getByRole("button", { name: "Pause" }).waitFor();
    await backup.getByRole("button", { name: "Run now" }).click();
    await backup.getByRole("link", { name: "Open the run that has started" }).click();
    await page.getByRole("heading", { name: "backup" }).waitFor();
    const { runs } = await ask("list_runs", { project: "shop" });
    expect(page.url()).toContain(runs[0]!.id);
  });

  test("are deleted once that is confirmed, in a dialog that keeps the focus and gives it back", async () => {
    const ask = askOf(server());
    const { page, errors } = await openPage(browser(), `${server().origin}/#/schedules`);
    const remove = page.getByRole("row", { name: /^backup/ }).getByRole("button", { name: "Delete" });
    await remove.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Delete the schedule “backup”?" });
    await dialog.waitFor();
    expect(await violationsOn(page)).toEqual([]);
    for (let press = 0; press < 4; press++) {
      await page.keyboard.press("Tab");
      // The browser's own controls come between the last and the first; nothing behind the dialog does.
      expect(
        await page.evaluate(
          "document.activeElement === document.body || document.activeElement.closest('dialog') !== null",
        ),
      ).toBe(true);
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Delete");
    expect((await ask("list_schedules", { project: "shop" })).schedules).toHaveLength(2);

    await remove.press("Enter");
    await dialog.getByRole("button", { name: "Delete" }).press("Enter");
    await remove.waitFor({ state: "detached" });
    expect((await ask("list_schedules", { project: "shop" })).schedules.map(({ name }) => name)).toEqual(["report"]);
    await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("main");
    expect(errors).toEqual([]);
  });
});
