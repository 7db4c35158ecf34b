import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startHttpServer } from "../../support/http/http-server.js";
import { shared } from "../../support/lifetime.js";

describe.skipIf(!HAS_BROWSER)("the page of a server", () => {
  const browser = shared(launchBrowser);
  const server = shared(() => startHttpServer());

  test("lists the runs and leads from one to its tasks", async () => {
    const { call, origin } = server();
    await call("create_project", { name: "shop" });
    const steps = [
      { key: "design", title: "Design the cart", prompt: "design" },
      { key: "build", title: "Build the cart", prompt: "build", needs: ["design"] },
    ];
    const definition = { name: "cart", steps };
    await call("execute_workflow", { project: "shop", definition });

    const { page, strays, errors } = await openPage(browser(), `${origin}/#/runs`);
    await page.getByRole("link", { name: "cart" }).waitFor();
    expect(await violationsOn(page)).toEqual([]);
    await page.getByRole("link", { name: "cart" }).click();
    await page.getByRole("heading", { name: "cart" }).waitFor();
    await page.getByRole("link", { name: "List" }).click();
    const tasks = page.getByRole("listitem");
    await expect.poll(() => tasks.allInnerTexts()).toHaveLength(2);
    expect((await tasks.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " ").trim())).toEqual([
      "ready design Design the cart",
      "pending build Build the cart",
    ]);
    expect(await violationsOn(page)).toEqual([]);
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });
});
