import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, launchBrowser, openPage } from "../../support/dashboard/browser.js";
import { startTeamServer } from "../../support/dashboard/team-server.js";
import { shared } from "../../support/lifetime.js";

const VIEWS = [
  { view: "needs-me", shows: "May a guest check out" },
  { view: "runs", shows: "migration" },
  { view: "schedules", shows: "30 5 * * MON" },
  { view: "messages", shows: "ben to #design" },
  { view: "search?text=orders", shows: "Store orders" },
  { view: "agents", shows: "1 of 1" },
  { view: "locks", shows: "src/orders.ts" },
  { view: "costs", shows: "$3.26" },
  { view: "run/RUN?view=graph", shows: "1 of 8" },
  { view: "run/RUN?view=timeline", shows: "in the queue" },
  { view: "run/RUN?view=list", shows: "Confirmation mails" },
  { view: "run/RUN?view=list&task=TASK", shows: "Draw up the checkout." },
  { view: "history", shows: "run.started" },
];

const [WIDE, NARROW] = [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
];
const LOOKS = [
  ["light", WIDE],
  ["dark", WIDE],
  ["light", NARROW],
  ["dark", NARROW],
] as const;

describe.skipIf(!HAS_BROWSER)("the views", () => {
  const browser = shared(launchBrowser);
  const server = shared(startTeamServer);

  test.each(VIEWS)(
    "$view shows $shows, in both themes and on a phone, without a finding of axe",
    async ({ view, shows }) => {
      const { ask, checkout } = server();
      const { tasks } = await ask("list_tasks", { run: checkout });
      const place = view.replace("RUN", checkout).replace("TASK", tasks[0]!.id);
      for (const [colorScheme, viewport] of LOOKS) {
        const { page, strays, errors } = await openPage(browser(), `${server().origin}/#/${place}`, {
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
