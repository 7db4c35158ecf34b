/**
 * Takes the pictures of the dashboard that the documents show: each view in both themes, of a server with a team at work.
 *
 *   npm run build && node scripts/screenshots.mjs [VIEW…]
 *
 * Needs Chromium at /usr/bin/chromium, or where `CHROMIUM` says.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { PersonSecret } from "../dist/runtime/person-secret.js";
import { makeTeam } from "./screenshots/team.mjs";

const ROOT = path.join(import.meta.dirname, "..");
const OUT = path.join(ROOT, "docs/images/dashboard");
const SIZE = { width: 1200, height: 720 };
const SCALE = 1.25;
const QUALITY = 80;
const BYTES_MAX = 100_000;
const STEPPED_CLOCK = path.join(ROOT, "test/support/servers/stepped-clock.mjs");

/** Each view by the name of its picture: its address, and what it shows when it is there. RUN is the run of the team. */
const VIEWS = {
  "needs-me": { hash: "needs-me", shows: "May a guest order on invoice?" },
  review: { hash: "needs-me", opens: /Review of prices/, shows: "The sum of prices in cents" },
  runs: { hash: "runs", shows: "guest-checkout" },
  graph: { hash: "run/RUN?view=graph", shows: "guest-checkout" },
  timeline: { hash: "run/RUN?view=timeline", shows: "payment-page" },
  list: { hash: "run/RUN?view=list", shows: "Cart page", opens: /Reserve stock/ },
  schedules: { hash: "schedules", shows: "weekly-audit" },
  agents: { hash: "agents", shows: "goose-1" },
  messages: { hash: "messages", shows: "to #design" },
  locks: { hash: "locks", shows: "src/stock.ts" },
  costs: { hash: "costs", shows: "of $60.00" },
  history: { hash: "history", shows: "project.created" },
  search: { hash: "search?text=checkout", shows: "guest-checkout" },
};

const wanted = process.argv.slice(2);
const directory = mkdtempSync(path.join(tmpdir(), "baton-shots-"));
const clock = path.join(directory, "clock");
const at = (minutes) => writeFileSync(clock, String(-minutes * 60_000));
const secret = "a secret of these pictures";
mkdirSync(path.join(directory, "baton"));
new PersonSecret(path.join(directory, "baton")).set(secret);
try {
  const run = await withServer(({ ask }) => makeTeam({ ask, at, directory: path.join(directory, "shop") }));
  mkdirSync(OUT, { recursive: true });
  // The link that signs in holds for ten minutes, which passed while the clock was moved.
  await withServer((server) => shootAll(server, run));
} finally {
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

async function withServer(use) {
  const server = await startServer();
  try {
    return await use(server);
  } finally {
    server.child.kill();
    await once(server.child, "exit");
  }
}

/** A server of its own person, at the time of the clock. */
async function startServer() {
  if (!existsSync(clock)) at(48 * 60);
  const child = spawn(
    process.execPath,
    ["--import", STEPPED_CLOCK, path.join(ROOT, "dist/main.js"), "serve", "--http", "127.0.0.1:0"],
    {
      cwd: directory,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env.PATH,
        HOME: directory,
        XDG_CONFIG_HOME: directory,
        XDG_DATA_HOME: directory,
        BATON_DB: path.join(directory, "baton.db"),
        BATON_AGENT: "anna",
        BATON_PERSON_SECRET: secret,
        BATON_LEASE_MS: String(48 * 3_600_000),
        STEPPED_CLOCK: clock,
      },
    },
  );
  const link = await new Promise((resolve, reject) => {
    let log = "";
    child.on("exit", () => reject(new Error(log)));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      log += text;
      const [found] = /http:\S+\?code=\S+/.exec(log) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  const { origin } = new URL(link);
  const ask = async (name, input) => {
    const response = await fetch(`${origin}/api/v1/operations/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(input),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(`${name}: ${body.detail}`);
    return body;
  };
  return { child, link, origin, ask };
}

async function shootAll(server, run) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--font-render-hinting=none",
    ],
  });
  try {
    const context = await browser.newContext({ viewport: SIZE, deviceScaleFactor: SCALE });
    const page = await context.newPage();
    await page.goto(server.link);
    await page.getByRole("button", { name: "anna" }).waitFor();
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const [name, view] of Object.entries(VIEWS)) {
        if (wanted.length === 0 || wanted.includes(name))
          await shoot(page, `${name}-${colorScheme}`, { ...view, run, origin: server.origin });
      }
    }
  } finally {
    await browser.close();
  }
}

async function shoot(page, name, { hash, shows, opens, run, origin }) {
  await page.goto(`${origin}/#/${hash.replace("RUN", run)}`);
  if (opens !== undefined) await page.getByRole("link", { name: opens }).first().click();
  await page.getByRole("main").getByText(shows).first().waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  // A drawing is on the screen in the frame after next.
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))");
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  const picture = Buffer.from(data, "base64");
  if (picture.length > BYTES_MAX) throw new Error(`${name} has ${picture.length} bytes, more than ${BYTES_MAX}`);
  writeFileSync(path.join(OUT, `${name}.webp`), picture);
  process.stdout.write(`${name}.webp ${Math.round(picture.length / 1000)} KB\n`);
}
