import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startTeamServer } from "../../support/dashboard/team-server.js";
import { shared } from "../../support/lifetime.js";

const BLACK_ON_WHITE = "rgb(0, 0, 0) on rgb(255, 255, 255)";

describe.skipIf(!HAS_BROWSER)("on paper", () => {
  const browser = shared(launchBrowser);
  const server = shared(startTeamServer);

  /** Opens a view in the dark, and looks at it as it is printed. */
  async function printed(view: string, shows: string): Promise<Page> {
    const { page } = await openPage(browser(), `${server().origin}/#/${view}`, { colorScheme: "dark" });
    await page.getByText(shows).first().waitFor();
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await page.getByText(shows).first().waitFor();
    return page;
  }

  const colours = async (page: Page) =>
    page.evaluate("(style => `${style.color} on ${style.backgroundColor}`)(getComputedStyle(document.body))");

  test.each([
    { view: "needs-me", shows: "No space left on /backup after 41 GB", open: "Dump the old database" },
    { view: "runs", shows: "nightly-checks" },
    { view: "messages", shows: "Do empty carts keep their coupon?" },
    { view: "schedules", shows: "30 5 * * MON" },
  ])("$view is its content, black on white, without navigation and buttons", async ({ view, shows, open }) => {
    const id = open === undefined ? "" : `/${(await server().ask("list_dead_letters", {})).dead_letters[0]!.id}`;
    const page = await printed(view + id, shows);
    expect(await colours(page)).toBe(BLACK_ON_WHITE);
    for (const left of ["nav", "button", "select", ".skip", ".to-search", "form"])
      expect.soft(await page.locator(`${left}:visible`).count(), left).toBe(0);
    expect((await page.pdf({ format: "A4" })).subarray(0, 5).toString()).toBe("%PDF-");
  });

  test("a run is its summary and the list of all its tasks, whichever way it is seen on the screen", async () => {
    for (const way of ["graph", "timeline", "list"]) {
      const page = await printed(`run/${server().checkout}?view=${way}`, "checkout");
      const rows = page.getByRole("row");
      await expect.poll(() => rows.count()).toBe(9);
      expect(await page.locator("canvas, nav:visible, button:visible").count()).toBe(0);
      await page.getByRole("heading", { name: "checkout" }).waitFor();
      await page.getByText(/^1 of 8/).waitFor();
      expect(await colours(page)).toBe(BLACK_ON_WHITE);
      await page.emulateMedia({ media: "screen" });
      await rows.first().waitFor({ state: "detached" });
    }
  });
});
