import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { HAS_BROWSER, holdAnswers, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startTeamServer } from "../../support/dashboard/team-server.js";
import { personsDatabase } from "../../support/http/tokens.js";
import { shared } from "../../support/lifetime.js";
import { until } from "../../support/until.js";

const STOPS_MAX = 60;
/** The name of what has the focus, and whether that is seen. */
const FOCUSED = `(() => {
  const { activeElement: at } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const name = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
  return { isPage: at === document.body, name: name.replaceAll(/\\s+/g, " ").trim(), isSeen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
})()`;

interface Focused {
  readonly name: string;
  readonly isSeen: boolean;
  readonly isPage: boolean;
}

/** Goes on by Tab to what has this name. Each stop on the way is to be seen. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let stop = 0; stop < STOPS_MAX; stop++) {
    await page.keyboard.press("Tab");
    const focused = (await page.evaluate(FOCUSED)) as Focused;
    // Between the last stop and the first are the browser's own.
    expect.soft(focused, "has a visible focus").toMatchObject(focused.isPage ? {} : { isSeen: true });
    if (name.test(focused.name)) return;
    passed.push(focused.name.slice(0, 40));
  }
  throw new Error(`Tab leads to no ${String(name)}, but to ${passed.join(" | ")}`);
}

const focusedIn = (page: Page) =>
  page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id");

describe.skipIf(!HAS_BROWSER)("with the keyboard alone", () => {
  const browser = shared(launchBrowser);
  const server = shared(async () => {
    const { database, env } = await personsDatabase();
    const team = await startTeamServer({ database, env });
    const { tasks } = await team.ask("list_tasks", { run: team.checkout });
    const design = tasks.find(({ key }) => key === "design")!.id;
    await team.ask("request_approval", {
      task: design,
      approver_role: "human",
      reason: "Are these pages all?",
      agent: "ada",
    });
    return team;
  });

  test("a person decides an approval, opens a run and a task, and replays a dead letter", async () => {
    const { ask, stderr } = server();
    const link = await until("the link", () => /http:\S+\?code=\S+/.exec(stderr())?.[0]);
    const { page, strays, errors } = await openPage(browser(), link);
    const items = page.getByRole("list", { name: "Waiting for a person" });
    const approval = items.getByRole("link", { name: /^approval/ });
    await approval.waitFor();

    // The first stop leads past the navigation.
    await tabTo(page, /^Skip to content$/);
    await page.keyboard.press("Enter");
    expect(await focusedIn(page)).toBe("main");
    await tabTo(page, /^approval/);
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: "approval" }).getByText("Are these pages all?").waitFor();
    await tabTo(page, /^Approve$/);
    await page.keyboard.press("Enter");
    await approval.waitFor({ state: "detached" });

    // The decided item is gone; the next is a key away.
    await page.keyboard.press("j");
    await items.getByText("Dump the old database").waitFor();
    for (let next = 0; next < 6; next++) {
      if (await page.getByRole("heading", { name: /Dump the old database.*failed/ }).isVisible()) break;
      await page.keyboard.press("j");
    }
    await page.getByRole("heading", { name: /Dump the old database.*failed/ }).waitFor();
    await tabTo(page, /^Replay$/);
    await page.keyboard.press("Enter");
    await items.getByText("Dump the old database").waitFor({ state: "detached" });

    // An item that comes late takes no focus from a reader who has gone on.
    const letGo = await holdAnswers(page, "*");
    await page.reload();
    await page.getByRole("button", { name: "anna" }).waitFor();
    await tabTo(page, /^Runs$/);
    letGo();
    await page.getByText("It waits no longer.").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    await page.getByRole("link", { name: "checkout" }).waitFor();
    await tabTo(page, /^checkout$/);
    await page.keyboard.press("Enter");
    await page.getByRole("img", { name: /^Graph of 8 tasks/ }).waitFor();
    await tabTo(page, /^Graph of 8 tasks/);
    const said = page.getByRole("status").filter({ hasText: ":" });
    await page.keyboard.press("Shift+ArrowRight");
    await said.getByText("Design the checkout: succeeded").waitFor();
    await page.keyboard.press("Shift+ArrowRight");
    await said.getByText(/^(?:Store orders|Checkout form|Sum prices without floats): /).waitFor();
    const title = (await said.innerText()).split(":")[0]!;
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name: "Task" }).getByRole("heading", { name: title }).waitFor();
    expect(await focusedIn(page)).toBe("Task");
    await page.keyboard.press("Escape");
    await page.getByRole("article", { name: "Task" }).waitFor({ state: "detached" });
    expect(await focusedIn(page)).toMatch(/^Graph of 8 tasks/);

    const { tasks } = await ask("list_tasks", { run: server().migration });
    expect(tasks.find(({ key }) => key === "dump")?.status).toBe("ready");
    const { escalations } = await ask("list_escalations", { project: "shop", tier: "human" });
    expect(escalations.map(({ type }) => type)).not.toContain("approval");
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });
});
