import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startTeamServer } from "../../support/dashboard/team-server.js";
import { shared } from "../../support/lifetime.js";

const VIEWS = [
  { view: "needs-me", shows: "May a guest check out" },
  { view: "runs", shows: "migration" },
  { view: "agents", shows: "1 of 1" },
  { view: "locks", shows: "src/orders.ts" },
  { view: "costs", shows: "$3.26" },
  { view: "history", shows: "run.started" },
];

describe.skipIf(!HAS_BROWSER)("the views", () => {
  const browser = shared(launchBrowser);
  const server = shared(startTeamServer);

  test.each(VIEWS)(
    "$view shows $shows, in both themes and on a phone, without a finding of axe",
    async ({ view, shows }) => {
      for (const colorScheme of ["light", "dark"] as const) {
        const viewport = colorScheme === "light" ? { width: 1280, height: 800 } : { width: 360, height: 740 };
        const { page, strays, errors } = await openPage(browser(), `${server().origin}/#/${view}`, {
          colorScheme,
          viewport,
        });
        await page.getByText(shows).first().waitFor();
        expect(await violationsOn(page)).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")).toBe(true);
        expect({ strays, errors }).toEqual({ strays: [], errors: [] });
      }
    },
  );
});
