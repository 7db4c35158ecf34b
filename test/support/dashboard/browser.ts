import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { atEnd } from "../lifetime.js";

/** Debian's; another place by `CHROMIUM`. */
const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
/** Whether there is a browser. Where there is none, tests that need it are skipped and say so. */
export const HAS_BROWSER = existsSync(EXECUTABLE);

/** The browser asks no server for anything by itself. */
const QUIET = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-domain-reliability",
  "--disable-sync",
  "--no-first-run",
  "--no-pings",
];

/** Closed when the test has finished, or the last of those that share it. */
export async function launchBrowser(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: QUIET });
  atEnd(() => browser.close());
  return browser;
}

/** A page as a person has it open. Closed when the test has finished. */
export interface OpenPage {
  readonly page: Page;
  /** Requests to other servers than the one that the page is of. */
  readonly strays: readonly string[];
  /** Errors of scripts, and what the page's policy refused. */
  readonly errors: readonly string[];
}

export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  atEnd(() => context.close());
  const page = await context.newPage();
  const { origin } = new URL(address);
  const strays: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) strays.push(request.url());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // Servers without sign-in have no session.
    if (message.type() === "error" && !message.location().url.endsWith("/session"))
      errors.push(`${message.text()} ${message.location().url}`);
  });
  await page.goto(address);
  return { page, strays, errors };
}

/** Keeps the answers of these operations from a page until the returned function is called. */
export async function holdAnswers(page: Page, operations: string): Promise<() => void> {
  let letGo = (): void => {};
  const isLetGo = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route(`**/operations/${operations}`, async (route) => {
    await isLetGo;
    await route.continue();
  });
  return letGo;
}
