import { describe, expect, test } from "vitest";
import { type AccessToken, insertAccessToken, revokeAccessToken } from "../../../src/store/access/access-tokens.js";
import { createDatabase } from "../../support/databases/databases.js";
import { bearing, bodyOf, type HttpServer, startHttpServer } from "../../support/http/http-server.js";
import { sendRaw } from "../../support/http/raw.js";
import { personsDatabase, personsDatabaseAt } from "../../support/http/tokens.js";
import { resultOf } from "../../support/servers/result-of.js";
import { startServer } from "../../support/servers/client.js";

const linkOf = ({ stderr }: HttpServer) => /for anna, .*(http:\S+\?code=\S+)/.exec(stderr())?.[1];

/** Follows a link as a browser does that is led on by it. */
const follow = (link: string) => fetch(link, { redirect: "manual" });

const cookieFrom = (response: Response) => response.headers.getSetCookie()[0]!.split(";")[0]!;

/** As many as may be live at once. */
const TOKENS_MAX = 2_000;

const tokenOf = (id: string): AccessToken => ({
  id,
  kind: "program",
  hash: id,
  name: "worker",
  role: "worker",
  agents: null,
  parent: null,
  createdAt: 0,
  createdBy: "anna",
  expiresAt: null,
  revokedAt: null,
  revokedBy: null,
  usedAt: null,
  attended: false,
});

async function signedIn() {
  const person = await personsDatabase();
  const server = await startHttpServer({ database: person.database, env: person.env });
  const cookie = { Cookie: cookieFrom(await follow(linkOf(server)!)) };
  const session = async (headers: Record<string, string> = cookie) =>
    bodyOf(await fetch(`${server.origin}/api/v1/session`, { headers }));
  return { person, server, cookie, session, own: { ...cookie, Origin: server.origin } };
}

describe("the link of a server that its person has started", () => {
  test("signs a browser in once, by a cookie that no script and no other site has", async () => {
    const person = await personsDatabase();
    const server = await startHttpServer({ database: person.database, env: person.env });
    const link = linkOf(server)!;
    expect((await follow(`${link.slice(0, -1)}_`)).status).toBe(403);
    const first = await follow(link);
    expect([first.status, first.headers.get("location")]).toEqual([303, "/"]);
    const [cookie = ""] = first.headers.getSetCookie();
    expect(cookie).toMatch(/^baton_session_\d+=baton_\w+_[\w-]{43}; /);
    for (const word of ["HttpOnly", "SameSite=Strict", "Path=/", "Expires="]) expect(cookie).toContain(word);
    const again = await follow(link);
    expect([again.status, again.headers.getSetCookie()]).toEqual([403, []]);
    expect(await again.json()).toMatchObject({ detail: expect.stringContaining("followed before") as string });
  });

  test("makes its browser the person: it decides, and is told who it is", async () => {
    const { server, session, own } = await signedIn();
    expect(await session()).toMatchObject({ by: "browser", name: "anna", role: "human", is_person: true });
    expect(await session({})).toEqual({ by: "nothing", is_person: false });
    const definition = { name: "ask", steps: [{ key: "ask", kind: "human", ask: "Go?" }] };
    await server.call("execute_workflow", { definition, wait_seconds: 0 });
    const { escalations } = resultOf("list_escalations", (await server.call("list_escalations")).body);
    const decide = { id: escalations[0]!.id, decision: "approved" };
    expect((await server.call("decide_escalation", decide)).status).toBe(403);
    expect((await server.call("decide_escalation", decide, own)).status).toBe(200);
  });

  test("is not used up by a program that only looks at it, nor by a browser that could not be signed in", async () => {
    const database = await createDatabase("sqlite");
    const { env } = personsDatabaseAt(database.location);
    const server = await startHttpServer({ database: database.location, env });
    const link = linkOf(server)!;
    const looked = await fetch(link, { method: "HEAD", redirect: "manual" });
    expect([looked.status, looked.headers.getSetCookie()]).toEqual([200, []]);
    const store = await database.open();
    const ids = Array.from({ length: TOKENS_MAX }, (_, n) => `token_${n}`);
    await store.transact(function* () {
      for (const id of ids) yield* insertAccessToken(tokenOf(id));
    });
    const refused = await follow(link);
    expect([refused.status, await refused.json()]).toEqual([429, expect.objectContaining({ code: "limit_exceeded" })]);
    await store.transact(function* () {
      for (const id of ids) yield* revokeAccessToken({ id, at: 1, by: "anna" });
    });
    expect((await follow(link)).status).toBe(303);
  });

  test("is there for a browser that has a cookie of another database", async () => {
    const { server } = await signedIn();
    const other = await signedIn();
    const stale = { Cookie: other.cookie.Cookie.replace(/_\d+=/, `_${new URL(server.origin).port}=`) };
    const page = await fetch(`${server.origin}/`, { headers: stale });
    expect([page.status, page.headers.getSetCookie()[0]]).toEqual([200, expect.stringContaining("Max-Age=0")]);
    expect(await bodyOf(await fetch(`${server.origin}/api/v1/session`, { headers: stale }))).toMatchObject({
      by: "nothing",
    });
    // A program says in a header who it is, and hears where that is wrong.
    expect((await server.call("get_system_status", {}, bearing("baton_none"))).status).toBe(401);
  });

  test("is printed for no program that starts a server", async () => {
    const server = await startHttpServer();
    await server.call("get_system_status");
    expect(server.stderr()).not.toContain("code=");
    server.child.kill();
    const { env, database } = await personsDatabase();
    const wrong = startServer({
      database,
      args: ["serve", "--http", "127.0.0.1:0"],
      env: { ...env, BATON_PERSON_SECRET: "wrong horse" },
    });
    expect((await wrong.ended).code).toBe(2);
  });
});

describe("a signed-in browser", () => {
  test("is no way in for programs: a server with that alone does not listen to the world", async () => {
    const { person } = await signedIn();
    const open = startServer({ database: person.database, args: ["serve", "--http", "0.0.0.0:0"] });
    expect((await open.ended).code).toBe(2);
    expect(open.stderr()).toContain("baton token create");
  });

  test("changes something from a page of this server alone", async () => {
    const { server, cookie, own } = await signedIn();
    const create = (headers: Record<string, string>) =>
      server.call("create_task", { title: "t", prompt: "p" }, headers).then(({ status }) => status);
    expect(await create(own)).toBe(200);
    expect(await create({ ...cookie, "Sec-Fetch-Site": "same-origin" })).toBe(200);
    for (const elsewhere of [
      cookie,
      { ...cookie, Origin: "https://evil.example" },
      { ...cookie, Origin: "null" },
      { ...own, "Sec-Fetch-Site": "cross-site" },
      { ...own, "Sec-Fetch-Site": "same-site" },
      // As a page at another port of this machine sends it.
      { ...cookie, Origin: "http://127.0.0.1:9", "Sec-Fetch-Site": "same-site" },
    ])
      expect(await create(elsewhere)).toBe(403);
    const { host, port } = new URL(server.origin);
    const read = (headers: Record<string, string>) => {
      const lines = Object.entries({ Host: host, ...cookie, ...headers }).map((pair) => pair.join(": "));
      return sendRaw(Number(port), ["GET /api/v1/session HTTP/1.1", ...lines]);
    };
    const visit = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };
    expect(await read(visit)).toMatch(/^HTTP\/1\.1 200 /);
    for (const other of [{ "Sec-Fetch-Mode": "no-cors" }, { "Sec-Fetch-Dest": "iframe" }])
      expect(await read({ ...visit, ...other })).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("stays so at another server of the database, and signs out at all of them", async () => {
    const { person, server, session, own } = await signedIn();
    const other = await startHttpServer({ database: person.database });
    const value = own.Cookie.split("=")[1]!;
    const there = { Cookie: `baton_session_${new URL(other.origin).port}=${value}` };
    const asked = () => fetch(`${other.origin}/api/v1/session`, { headers: there });
    expect(await (await asked()).json()).toMatchObject({ is_person: true });
    // No program comes in with what a browser has.
    expect((await other.call("get_system_status", {}, bearing(value))).status).toBe(401);
    const out = await fetch(`${server.origin}/api/v1/session`, { method: "DELETE", headers: own });
    expect([out.status, out.headers.getSetCookie()[0]]).toEqual([204, expect.stringContaining("Max-Age=0")]);
    for (const now of [await (await asked()).json(), await session()])
      expect(now).toEqual({ by: "nothing", is_person: false });
  });
});

test("a browser that a proxy sends to another server of its is signed in there too", async () => {
  const person = await personsDatabase();
  const human = await person.token("human", "--name", "otto");
  const options = { database: person.database, args: ["--public-url", "https://baton.example"] };
  const [one, other] = [await startHttpServer(options), await startHttpServer(options)];
  const signedInAt = await fetch(`${one.origin}/api/v1/session`, { method: "POST", headers: bearing(human) });
  expect(signedInAt.headers.getSetCookie()[0]).toMatch(/^baton_session_443=.*; Secure/);
  const asked = await fetch(`${other.origin}/api/v1/session`, { headers: { Cookie: cookieFrom(signedInAt) } });
  expect(await asked.json()).toMatchObject({ name: "otto", is_person: true });
});

test("a person's token signs a browser in, which ends with it; that of a program does not", async () => {
  const person = await personsDatabase();
  const [human, worker] = [await person.token("human", "--name", "otto"), await person.token("worker")];
  const { origin } = await startHttpServer({ database: person.database, address: "0.0.0.0:0" });
  const signIn = (headers: Record<string, string>) => fetch(`${origin}/api/v1/session`, { method: "POST", headers });
  expect((await signIn({})).status).toBe(401);
  expect((await signIn(bearing(worker))).status).toBe(403);
  const done = await signIn(bearing(human));
  expect([done.status, await done.json()]).toEqual([201, { person: "otto" }]);
  const session = () => fetch(`${origin}/api/v1/session`, { headers: { Cookie: cookieFrom(done) } });
  expect(await (await session()).json()).toMatchObject({ by: "browser", name: "otto" });
  await person.revoke(human);
  expect((await session()).status).toBe(401);
});
