import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startTeamServer } from "../../support/dashboard/team-server.js";
import { shared } from "../../support/lifetime.js";

describe.skipIf(!HAS_BROWSER)("the search", () => {
  const browser = shared(launchBrowser);
  const server = shared(startTeamServer);

  test("is reached by / from another view, finds texts of all kinds, and is walked through by the arrow keys", async () => {
    const { page, strays, errors } = await openPage(browser(), `${server().origin}/#/runs`);
    await page.getByRole("link", { name: "migration" }).waitFor();
    await page.keyboard.press("/");
    const field = page.getByRole("searchbox");
    await field.waitFor();
    await page.keyboard.type("ord");
    await page.keyboard.type("er");
    for (const group of ["Tasks", "Messages", "History"]) await page.getByRole("region", { name: group }).waitFor();
    expect(page.url()).toContain("#/search?text=order");
    expect(await violationsOn(page)).toEqual([]);
    await page.keyboard.press("ArrowDown");
    expect(await page.evaluate("document.activeElement.closest('section').getAttribute('aria-label')")).toBe("Tasks");
    await page.keyboard.press("ArrowUp");
    expect(await field.evaluate("document.activeElement.type")).toBe("search");
    await page.keyboard.press("ArrowDown");
    const title = await page.evaluate("document.activeElement.querySelector('.title').textContent");
    await page.keyboard.press("Enter");
    await page
      .getByRole("article", { name: "Task" })
      .getByRole("heading", { name: String(title) })
      .waitFor();
    await page.goBack();
    await page.getByRole("region", { name: "Tasks" }).waitFor();
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });

  test("leads to what waits for a person where it is decided, and says when nothing is found", async () => {
    const { page } = await openPage(browser(), `${server().origin}/#/search?text=guest`);
    await page.getByRole("region", { name: "Questions" }).getByRole("link").click();
    await page.getByRole("heading", { name: "May a guest check out without an account?" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("zzzz");
    await page.getByText("Nothing of the newest has these words.").waitFor();
    expect(await page.getByRole("region", { name: "Tasks" }).count()).toBe(0);
  });
});
