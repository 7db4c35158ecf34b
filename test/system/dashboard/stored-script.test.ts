import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { HOSTILE_SHOWN, hostileTexts } from "../../support/dashboard/hostile-texts.js";
import { askOf } from "../../support/dashboard/team-server.js";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { personsDatabase } from "../../support/http/tokens.js";
import { startHttpServer } from "../../support/http/http-server.js";
import { shared } from "../../support/lifetime.js";
import { until } from "../../support/until.js";

/** The harm done: scripts that ran, elements that are not the page's own, and texts and labels with characters that hide or turn. */
const HARM = `(() => {
  const hidden = /[\\u200b\\u202a-\\u202e\\u2066-\\u2069]/;
  const labels = [...document.querySelectorAll("*")].flatMap((one) =>
    ["title", "aria-label", "placeholder", "alt", "href"].map((name) => one.getAttribute(name) ?? ""));
  return {
    ran: window.ran ?? 0,
    strange: document.querySelectorAll("body :is(script, img, iframe, style, object, svg[onload], [onerror], a[href^='javascript' i])").length,
    hidden: [document.body.innerText, document.title, ...labels].filter((text) => hidden.test(text)).map((text) => text.slice(0, 200)),
  };
})()`;
const NO_HARM = { ran: 0, strange: 0, hidden: [] };

describe.skipIf(!HAS_BROWSER)("script and markup in stored texts", () => {
  const browser = shared(launchBrowser);
  const server = shared(async () => {
    const { database, env } = await personsDatabase();
    const started = await startHttpServer({ database, env });
    return { ...started, ask: askOf(started), hostile: await hostileTexts(askOf(started), temporaryDirectory()) };
  });

  test("are shown as texts in every view: nothing runs, nothing is loaded, nothing hides", async () => {
    const { ask, hostile, origin, stderr } = server();
    const link = await until("the link", () => /http:\S+\?code=\S+/.exec(stderr())?.[0]);
    const { page, strays, errors } = await openPage(browser(), link);
    await page.getByRole("button", { name: "anna" }).waitFor();
    const { escalations } = await ask("list_escalations", { project: "shop" });
    const { dead_letters: deadLetters } = await ask("list_dead_letters", { project: "shop" });
    const waiting = [...escalations, ...deadLetters].map(({ id }) => id);
    expect(waiting).toHaveLength(4);
    const views = [
      "needs-me",
      ...waiting.map((id) => `needs-me/${id}`),
      ...["graph", "timeline", "list"].map((way) => `run/${hostile.run}?view=${way}`),
      ...hostile.tasks.map((task) => `run/${hostile.run}?view=list&task=${task}`),
      "messages",
      "locks",
      "costs",
      "history",
      "search?text=elsewhere.example",
      "search?text=fdp",
    ];
    for (const view of views) {
      await page.goto(`${origin}/#/${view}`);
      if (!/view=(?:graph|timeline)$/.test(view)) await seen(page, view);
      expect.soft(await page.evaluate(HARM), view).toEqual(NO_HARM);
    }
    for (const view of ["runs", "agents", "schedules"]) {
      await page.goto(`${origin}/#/${view}`);
      await page.getByRole("table").waitFor();
      expect.soft(await page.evaluate(HARM), view).toEqual(NO_HARM);
    }
    expect({ strays, errors }).toEqual({ strays: [], errors: [] });
  });
});

/** Waits until the hostile text is read on a view. */
async function seen(page: Page, view: string): Promise<void> {
  const text = view === "locks" ? String.raw`<img src=x onerror=top.ran=1>\u202e.ts` : HOSTILE_SHOWN;
  if (view === "costs") await page.getByText("$1.00").first().waitFor();
  else if (view === "history") await page.getByRole("table").waitFor();
  else
    await until(
      `the text is on ${view}`,
      async () => (await page.locator("main").innerText()).includes(text) || undefined,
    );
}
