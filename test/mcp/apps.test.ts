import { describe, expect, test } from "vitest";
import { connectedClient, type Era, startHttpServer } from "../support/http/http-server.js";
import { connectClient, SHOWS_APPS } from "../support/servers/client.js";

const RUN_APP = "ui://baton/run";
const MIME_TYPE = "text/html;profile=mcp-app";
const BYTES_MAX = 150_000;
/** The tools of the default list whose answer is one run. */
const OF_A_RUN = ["control_run", "execute_workflow", "get_run", "modify_run", "orchestrate"];

interface Listed {
  readonly name: string;
  readonly _meta?: Readonly<Record<string, unknown>> | undefined;
}

/** Names of the tools to which the page belongs. */
function shownByApp(tools: readonly Listed[]): string[] {
  return tools
    .filter(({ _meta: meta }) => (meta?.["ui"] as { resourceUri?: string } | undefined)?.resourceUri === RUN_APP)
    .map(({ name }) => name)
    .sort();
}

describe("the page of a run over stdio", () => {
  test("belongs to the tools whose answer is a run, for a client that shows it", async () => {
    const { client } = await connectClient({ showsApps: true });
    const { tools } = await client.listTools();
    expect(shownByApp(tools)).toEqual(OF_A_RUN);
    expect(tools.find(({ name }) => name === "claim_task")?._meta).toEqual({ "anthropic/alwaysLoad": true });
    const { resources } = await client.listResources();
    expect(resources.find(({ uri }) => uri === RUN_APP)).toMatchObject({
      mimeType: MIME_TYPE,
      _meta: { ui: { csp: { connectDomains: [], resourceDomains: [] } } },
    });
  });

  test("is one document that loads nothing, and is listed for no other client", async () => {
    const { client } = await connectClient();
    expect(shownByApp((await client.listTools()).tools)).toEqual([]);
    expect((await client.listResources()).resources.map(({ uri }) => uri)).not.toContain(RUN_APP);
    const [content] = (await client.readResource({ uri: RUN_APP })).contents;
    expect(content).toMatchObject({ uri: RUN_APP, mimeType: MIME_TYPE, _meta: { ui: { prefersBorder: true } } });
    const text = (content as { readonly text: string }).text;
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(BYTES_MAX);
    expect(text).toMatch(/script-src 'sha256-[\w+/=]+'/);
    expect(text).not.toMatch(/\b(?:src|href)=["']?(?:https?:)?\/|@import|url\(["']?(?!data:|#)/);
  });
});

describe("the page of a run over HTTP", () => {
  // A client of the earlier protocol has declared what it shows in a request of which nothing is kept.
  const cases: readonly (readonly [Era, boolean, readonly string[]])[] = [
    ["modern", true, OF_A_RUN],
    ["modern", false, []],
    ["legacy", false, OF_A_RUN],
  ];

  test("is listed for clients that declare it, and for those that cannot say it again", async () => {
    const { origin } = await startHttpServer();
    for (const [era, declares, names] of cases) {
      const client = await connectedClient(origin, era, {
        name: "host",
        ...(declares && { capabilities: SHOWS_APPS }),
      });
      expect(shownByApp((await client.listTools()).tools)).toEqual(names);
      const [content] = (await client.readResource({ uri: RUN_APP })).contents;
      expect(content).toMatchObject({ uri: RUN_APP, mimeType: MIME_TYPE });
    }
  });
});
