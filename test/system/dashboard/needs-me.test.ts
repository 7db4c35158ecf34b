import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startTeamServer } from "../../support/dashboard/team-server.js";
import { shared } from "../../support/lifetime.js";

describe.skipIf(!HAS_BROWSER)("needs me", () => {
  const browser = shared(launchBrowser);
  const server = shared(startTeamServer);

  test("is the first page and lists what waits for a person, the most urgent first", async () => {
    const { page, strays, errors } = await openPage(browser(), server().origin);
    const items = page.getByRole("list", { name: "Waiting for a person" }).getByRole("listitem");
    await expect.poll(() => items.count()).toBe(4);
    const texts = (await items.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " "));
    expect(texts[0]).toMatch(
      /^ambiguous requirement .* May a guest check out without an account\? decided without you in/,
    );
    expect(texts.slice(1).join("\n")).toMatch(
      /review.*\n.*When may the shop be closed.*\n.*dead letter.*Dump the old database/,
    );
    expect(await violationsOn(page)).toEqual([]);
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });

  test("shows a review as the diff of its task, whose lines take comments by the keyboard", async () => {
    const { page } = await openPage(browser(), server().origin);
    await page.getByText("Review of prices").click();
    const change = page.getByText("return cents.reduce((sum, price) => sum + price, 0);");
    await change.waitFor();
    await page.getByRole("button", { name: "Comment on src/cart.ts:3" }).last().press("Enter");
    await page.keyboard.type("What of an empty cart?");
    await page.getByRole("button", { name: "Ask for changes (1)" }).waitFor();
    expect(await violationsOn(page)).toEqual([]);
  });

  test("says in the server's words why a decision is not taken from a page whose reader has not signed in", async () => {
    const { page } = await openPage(browser(), server().origin);
    await page.getByRole("link", { name: /May a guest/ }).click();
    await page.getByText("This is for a person to decide").waitFor();
    await page.getByRole("button", { name: "Approve", exact: true }).click();
    expect(await page.getByRole("alert").innerText()).toMatch(/person/);
  });

  test("replays a dead letter with another prompt, and follows on what other processes do", async () => {
    const { page } = await openPage(browser(), server().origin);
    await page.keyboard.press("j");
    await page.getByRole("link", { name: /Dump the old database/ }).click();
    await page.getByText("No space left on /backup after 41 GB").waitFor();
    await page.getByLabel("Prompt of the next attempt").fill("Dump it to /srv/large.");
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText("It waits no longer.").waitFor();
    const { tasks } = await server().ask("list_tasks", { run: server().migration });
    const dump = tasks.find(({ key }) => key === "dump")!;
    expect(dump.status).toBe("ready");
    const { spec } = await server().ask("get_task", { task: dump.id, include: ["prompt"] });
    expect(spec["prompt"]).toBe("Dump it to /srv/large.");
    // Nothing is asked of this page: it is told.
    const { escalation } = await server().ask("escalate", {
      type: "security_review",
      priority: "critical",
      title: "A key is in the repository",
      details: "It is in src/api.ts.",
      agent: "cleo",
      project: "shop",
    });
    await page.getByRole("link", { name: /A key is in the repository/ }).waitFor();
    expect(escalation.status).toBe("open");
  });
});
