import { describe, expect, test } from "vitest";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startTeamServer } from "../../support/dashboard/team-server.js";
import { personsDatabase } from "../../support/http/tokens.js";
import { shared } from "../../support/lifetime.js";
import { until } from "../../support/until.js";

describe.skipIf(!HAS_BROWSER)("a person whose browser followed the link of the server", () => {
  const browser = shared(launchBrowser);
  const server = shared(async () => {
    const { database, env } = await personsDatabase();
    return startTeamServer({ database, env });
  });

  test("decides a question, fills in a form, and sends a review back with comments that its author reads", async () => {
    const link = await until("the link", () => /http:\S+\?code=\S+/.exec(server().stderr())?.[0]);
    const { page, strays, errors } = await openPage(browser(), link);
    await page.getByRole("button", { name: "anna" }).waitFor();

    await page.getByRole("link", { name: /May a guest/ }).click();
    await page.getByLabel("Conditions, one a line").fill("Ask for the address twice");
    await page.getByRole("button", { name: "Approve with conditions" }).click();
    await page.getByRole("link", { name: /May a guest/ }).waitFor({ state: "detached" });

    await page.getByRole("link", { name: /When may the shop be closed/ }).click();
    await page.getByLabel("when").selectOption("on Sunday");
    await page.getByLabel(/hours/).fill("2");
    await page.getByRole("button", { name: "Answer" }).click();
    await page.getByRole("link", { name: /When may the shop be closed/ }).waitFor({ state: "detached" });

    await page.getByRole("link", { name: /Review of prices/ }).click();
    await page.getByRole("button", { name: "Comment on src/cart.ts:3" }).last().click();
    await page.getByRole("textbox", { name: "Comment on src/cart.ts:3" }).fill("Say what an empty cart costs.");
    await page.getByRole("button", { name: "Ask for changes (1)" }).click();
    await page.getByRole("link", { name: /Review of prices/ }).waitFor({ state: "detached" });

    const { ask, checkout, migration } = server();
    const { tasks } = await ask("list_tasks", { run: checkout });
    const prices = await ask("get_task", { task: tasks.find(({ key }) => key === "prices")!.id });
    expect(prices.reviews?.[0]).toMatchObject({
      verdict: "revise",
      findings: [{ what: "src/cart.ts:3: Say what an empty cart costs." }],
    });
    const asked = (await ask("list_tasks", { run: migration })).tasks.find(({ key }) => key === "window")!;
    const { result } = await ask("get_task", { task: asked.id, include: ["result"] });
    expect(result).toMatchObject({ answers: { when: "on Sunday", hours: 2 } });
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });
});
