import { describe, expect, test } from "vitest";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startHttpServer } from "../../support/http/http-server.js";
import { shared } from "../../support/lifetime.js";

const SENTENCE = /This page needs JavaScript and a browser of 2024 or later\./;
const OPACITY = "getComputedStyle(document.querySelector('.too-old')).opacity";
const IN_TIME = { timeout: 10_000 };

describe.skipIf(!HAS_BROWSER)("a browser that cannot show the page", () => {
  const browser = shared(launchBrowser);
  const server = shared(() => startHttpServer());

  test("gets a sentence at once where it runs no script", async () => {
    const { page, errors } = await openPage(browser(), server().origin, { javaScriptEnabled: false });
    await page.getByText(SENTENCE).waitFor();
    expect(await page.evaluate(OPACITY)).toBe("1");
    expect(errors).toEqual([]);
  });

  test("gets it where it does not take the page's modules, and no other gets it", async () => {
    const { page } = await openPage(browser(), `${server().origin}/healthz`);
    // Such a browser loads the file and takes none of it.
    const body = "let of newer syntax = ;";
    await page.route("**/assets/*.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
    await page.goto(server().origin);
    await page.getByText(SENTENCE).waitFor();
    await expect.poll(() => page.evaluate(OPACITY), IN_TIME).toBe("1");

    await page.unroute("**/assets/*.js");
    await page.goto(server().origin);
    await page.getByText("Nothing waits for you.").waitFor();
    expect(await page.getByText(SENTENCE).count()).toBe(0);
  });
});
