import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { askOf } from "../../support/dashboard/team-server.js";
import { bearing, startHttpServer } from "../../support/http/http-server.js";
import { personsDatabase } from "../../support/http/tokens.js";
import { shared } from "../../support/lifetime.js";

const live = (page: Page) => page.getByText("Live", { exact: true }).waitFor();

const tokenOn = (page: Page) => page.getByRole("textbox", { name: "Token" });

async function signIn(page: Page, bearer: string): Promise<void> {
  await tokenOn(page).fill(bearer);
  await tokenOn(page).press("Enter");
}

/** Signs the browser of a page out as another tab of it does. */
async function signOutElsewhere(page: Page, origin: string): Promise<void> {
  const options = { headers: { Origin: origin } };
  expect((await page.context().request.delete(`${origin}/api/v1/session`, options)).status()).toBe(204);
}

describe.skipIf(!HAS_BROWSER)("a sign-in that ends while the page is open", () => {
  const browser = shared(launchBrowser);

  test("leads to the form where the server asks everyone, and from there back to what was shown", async () => {
    const person = await personsDatabase();
    const [human, lead] = [await person.token("human", "--name", "anna"), await person.token("lead")];
    const server = await startHttpServer({ database: person.database, address: "0.0.0.0:0" });
    const { page } = await openPage(browser(), `${server.origin}/#/runs`);
    await signIn(page, human);
    await live(page);
    await page.getByRole("button", { name: "anna" }).waitFor();

    await signOutElsewhere(page, server.origin);
    await tokenOn(page).waitFor();
    expect(await page.getByRole("button", { name: "anna" }).count()).toBe(0);

    await signIn(page, human);
    await live(page);
    const definition = { name: "since-then", steps: [{ key: "a", prompt: "do it" }] };
    await server.call("execute_workflow", { definition }, bearing(lead));
    await page.getByRole("link", { name: "since-then" }).waitFor();
  });

  test("is seen in the head of the page on one's own machine, which stays live", async () => {
    const person = await personsDatabase();
    const human = await person.token("human", "--name", "anna");
    const server = await startHttpServer({ database: person.database });
    const { page } = await openPage(browser(), `${server.origin}/#/runs`);
    await live(page);
    await page.getByRole("button", { name: "Sign in" }).click();
    await signIn(page, human);
    await page.getByText("You decide as anna.").waitFor();
    await page.reload();
    await page.getByRole("button", { name: "anna" }).waitFor();
    await live(page);

    await signOutElsewhere(page, server.origin);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await live(page);
    expect(await page.getByRole("button", { name: "anna" }).count()).toBe(0);
  });

  test("is not over where the server does not answer, and the page says so", async () => {
    const person = await personsDatabase();
    const human = await person.token("human", "--name", "anna");
    const server = await startHttpServer({ database: person.database });
    const { page } = await openPage(browser(), `${server.origin}/#/runs`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await signIn(page, human);
    const dialog = page.getByRole("dialog");
    await dialog.getByText("You decide as anna.").waitFor();
    await page.context().setOffline(true);
    await dialog.getByRole("button", { name: "Sign out" }).click();
    await dialog.getByText("The server does not answer.").waitFor();
    await page.context().setOffline(false);
    await dialog.getByRole("button", { name: "Sign out" }).click();
    await dialog.getByLabel("Token").waitFor();
    expect(await dialog.getByRole("alert").count()).toBe(0);
  });
});

describe.skipIf(!HAS_BROWSER)("a view whose read the server cannot answer just then", () => {
  const browser = shared(launchBrowser);

  test.each([503, 429, 502])("is read again after %d, without a reload", async (status) => {
    const server = await startHttpServer();
    const ask = askOf(server);
    await ask("create_project", { name: "shop" });
    const definition = { name: "there", steps: [{ key: "a", prompt: "do it" }] };
    await ask("execute_workflow", { project: "shop", definition });
    const { page } = await openPage(browser(), `${server.origin}/#/locks`);
    await live(page);
    const problem = { code: status === 503 ? "unavailable" : "limit_exceeded", detail: "Not now." };
    let refusals = 0;
    await page.route("**/operations/list_runs", async (route) => {
      refusals += 1;
      if (refusals > 2) await route.continue();
      else if (status === 502) await route.fulfill({ status, body: "<html>" });
      else await route.fulfill({ status, json: problem });
    });
    await page.getByRole("link", { name: "Runs" }).click();
    await page.getByText(status === 502 ? "The server answered 502." : "Not now.").waitFor();
    await page.getByRole("link", { name: "there" }).waitFor();
    expect(refusals).toBe(3);
  });
});
