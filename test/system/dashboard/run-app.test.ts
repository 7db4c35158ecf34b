import path from "node:path";
import { rolldown } from "rolldown";
import { describe, expect, test } from "vitest";
import { violationsOn } from "../../support/dashboard/accessibility.js";
import { HAS_BROWSER, launchBrowser } from "../../support/dashboard/browser.js";
import { atEnd, shared } from "../../support/lifetime.js";
import { connectClient, type TestClient } from "../../support/servers/client.js";

const HOST = path.resolve(import.meta.dirname, "../../support/dashboard/app-host.mjs");
/** Would run, were it taken for markup. */
const MARKUP = "<img src=x onerror=\"document.title='run'\">";

const STEPS = [
  { key: "design", title: "Design the checkout", prompt: "Draw it." },
  { key: "build", title: `Build ${MARKUP}`, prompt: MARKUP, needs: ["design"] },
];

/** The host's script, for a browser. */
async function hostScript(): Promise<string> {
  const bundle = await rolldown({ input: HOST, platform: "browser", logLevel: "silent" });
  const { output } = await bundle.generate({ format: "iife" });
  await bundle.close();
  return output[0].code;
}

/** A page of a client, in whose frame the app of a tool's answer is shown. */
async function shownApp({ client }: TestClient, call: { name: string; arguments: Record<string, unknown> }) {
  const browser = sharedBrowser();
  const page = await (await browser.newContext({ viewport: { width: 900, height: 700 } })).newPage();
  atEnd(() => page.context().close());
  const asked: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
  const [content] = (await client.readResource({ uri: "ui://baton/run" })).contents;
  const result = await client.callTool(call);
  await page.exposeFunction("callTool", (params: typeof call) => client.callTool(params));
  await page.setContent("<!doctype html><title>client</title><body></body>");
  await page.evaluate(await hostScript());
  const shown = { html: (content as { text: string }).text, input: call.arguments, result, theme: "dark" };
  await page.evaluate(`showApp(${JSON.stringify(shown)})`);
  return { page, app: page.frameLocator("iframe"), asked, errors };
}

const sharedBrowser = shared(launchBrowser);

describe.skipIf(!HAS_BROWSER)("the page of a run in the frame of a client", () => {
  test("shows the run of an answer, follows it, and takes the looks of the client", async () => {
    const team = await connectClient({ showsApps: true });
    await team.call("create_project", { name: "shop" });
    const call = {
      name: "execute_workflow",
      arguments: { project: "shop", definition: { name: "checkout", steps: STEPS } },
    };
    const { page, app, asked, errors } = await shownApp(team, call);
    await app.getByRole("heading", { name: "checkout" }).waitFor();
    await app.getByText("0 of 2").waitFor();
    await app.getByRole("link", { name: `Build ${MARKUP}` }).click();
    await app.getByRole("article", { name: "Task" }).getByText(MARKUP, { exact: true }).waitFor();
    expect(await violationsOn(page.frames()[1]!)).toEqual([]);

    const { task, lease } = await team.call("claim_task", { project: "shop" });
    await team.call("complete_task", { task: task!.id, token: lease!.token, result: { pages: 3 } });
    await app.getByText("1 of 2").waitFor();

    await app.getByRole("link", { name: "Graph" }).click();
    await app.getByRole("img", { name: /^Graph of 2 tasks/ }).waitFor();
    const scheme = () => page.frames()[1]!.evaluate<string>("getComputedStyle(document.documentElement).colorScheme");
    expect(await scheme()).toBe("dark");
    await page.evaluate("setTheme('light')");
    await expect.poll(scheme).toBe("light");

    expect(await page.frames()[1]!.evaluate<string>("document.title")).toBe("A run of Baton");
    expect({ asked: asked.filter((url) => !url.startsWith("about:")), errors }).toEqual({ asked: [], errors: [] });
  });

  test("says why a call was refused", async () => {
    const team = await connectClient({ showsApps: true });
    const { app } = await shownApp(team, { name: "get_run", arguments: { run: "run_nonexistent" } });
    expect(await app.getByRole("alert").first().textContent()).toContain("run_nonexistent");
  });
});
