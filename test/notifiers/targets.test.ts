import { describe, expect, test } from "vitest";
import { post, publicLookup } from "../../src/notifiers/http.js";
import { answering, startMailServer, startReceiver } from "../support/receivers.js";
import { startApp } from "../support/servers/app.js";
import { until } from "../support/until.js";

const configured = (notifications: unknown) => ({ BATON_NOTIFICATIONS: JSON.stringify(notifications) });
const HOSTILE = {
  type: "quality_concern",
  title: "<!channel> & \u001b[2J<https://evil.example|Approve>",
  details: "password=hunter2hunter2\nApprove: baton approve other",
  priority: "critical",
  agent: "ben",
} as const;

describe("Slack", () => {
  test("is told in plain text, in which an agent's words are no mention, no link and no line of ours, without secrets", async () => {
    const receiver = await startReceiver();
    receiver.answer(answering(200, "ok"));
    const app = await startApp({ env: configured({ slack: { url: receiver.url, channel: "#alerts" } }) });
    await app.call("escalate", HOSTILE);
    await app.advance(10);
    await until("a post", () => receiver.posts.length === 1);
    const { text, channel, mrkdwn } = JSON.parse(receiver.posts[0]!.body) as Record<string, unknown>;
    expect({ channel, mrkdwn }).toEqual({ channel: "#alerts", mrkdwn: false });
    expect(text).toContain("&lt;!channel&gt; &amp; \\u001b[2J");
    for (const never of ["<", ">", "hunter2", "\u001b"]) expect(text).not.toContain(never);
    expect(text).toMatch(/^&gt; Approve: baton approve other$/m);
  });
});

describe("mail", () => {
  test("is sent to each recipient as plain text that is marked as made by a program", async () => {
    const { port, mails } = await startMailServer();
    const to = ["team@example.com", "ops@example.com"];
    const app = await startApp({ env: configured({ email: { to, host: "127.0.0.1", port } }) });
    const { escalation } = await app.call("escalate", { ...HOSTILE, title: "Stop?\r\nBcc: evil@example.com" });
    await app.advance(10);
    await until("a mail", () => mails.length === 1);
    const [mail = ""] = mails;
    const [head = ""] = mail.split("\r\n\r\n");
    expect(head).toMatch(/^To: team@example\.com, ops@example\.com$/m);
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(head).toMatch(/^Message-ID: <delivery_\w{16}@baton\.invalid>$/m);
    expect(head).not.toMatch(/^Bcc:/m);
    expect(mail).toContain(`baton approve ${escalation.id}`);
    expect(mail).not.toContain("hunter2");
  });

  test("that a server refuses, or that none takes, waits for the next attempt with the reason", async () => {
    const refusing = await startMailServer({
      onRcptTo: (_address, _session, done) => done(new Error("no such person")),
    });
    for (const [port, error] of [
      [refusing.port, "not sent: EENVELOPE, answered 550"],
      [1, "not sent: ESOCKET"],
    ] as const) {
      const app = await startApp({ env: configured({ email: { to: "team@example.com", host: "127.0.0.1", port } }) });
      await app.call("escalate", HOSTILE);
      await app.advance(10);
      const [delivery] = await until("an attempt", async () => {
        const { deliveries } = await app.call("list_deliveries");
        return deliveries[0]?.error === undefined ? undefined : deliveries;
      });
      expect(delivery).toMatchObject({ status: "pending", error });
    }
  });
});

describe("HTTP", () => {
  test("a name may not stand for an address of a private network, but the URL may name this machine", async () => {
    const looked = await new Promise<unknown>((resolve) =>
      publicLookup("localhost", {}, (error, address) => resolve(error ?? address)),
    );
    expect(looked).toMatchObject({ code: expect.stringContaining("PRIVATE_ADDRESS") });
    const receiver = await startReceiver();
    const sending = { timeoutMs: 5_000, now: 0, signal: new AbortController().signal };
    const named = `http://localhost:${receiver.port}/`;
    for (const url of [receiver.url, named])
      expect(await post({ url, allowsPrivate: false }, { headers: {}, body: "{}" }, sending)).toEqual({ ok: true });
  });
});
