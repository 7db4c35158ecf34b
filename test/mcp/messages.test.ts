import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { connectClient } from "../support/servers/client.js";

const ROUNDS = 40;
const BATCHES_MAX = 8;
const WITHIN_MS = 100;

describe.each(BACKENDS)("a message between two processes on %s", (backend) => {
  async function twoServers() {
    const { location: database } = await createDatabase(backend);
    const [ann, ben] = await Promise.all([connectClient({ database }), connectClient({ database })]);
    await ann.call("create_project", { name: "p" });
    await ben.call("wait_for", { agent: "ben", project: "p", timeout_seconds: 0 });
    return { ann, ben };
  }

  test("ends the addressee's wait within 100 ms", async () => {
    const { ann, ben } = await twoServers();
    // Other processes on the machine can only make it slower: the best of a few batches counts.
    let p95 = Number.POSITIVE_INFINITY;
    for (let batch = 0; batch < BATCHES_MAX && p95 >= WITHIN_MS; batch++) {
      const took: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const waiting = ben.call("wait_for", { agent: "ben", project: "p", kinds: ["message"], timeout_seconds: 50 });
        await ann.call("send_message", { agent: "ann", project: "p", to: "ben", body: `${round}` });
        const sentAt = performance.now();
        const { events } = await waiting;
        took.push(Math.max(0, performance.now() - sentAt));
        expect(events).toMatchObject([{ type: "message.sent", agent: "ann", data: { to: "ben" } }]);
      }
      p95 = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.95)] ?? p95;
      process.stdout.write(
        `${backend}: a wait ended after the message was sent, 95th percentile ${p95.toFixed(1)} ms\n`,
      );
    }
    expect(p95).toBeLessThan(WITHIN_MS);
  });

  test("outlives both of them, and is told to a subscriber of the addressee's messages", async () => {
    const { ann, ben } = await twoServers();
    const updated = new Promise((resolve) =>
      ben.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params.uri)),
    );
    await ben.client.subscribeResource({ uri: "baton://messages/ben" });
    await ann.call("send_message", { agent: "ann", project: "p", to: "ben", body: "kept" });
    expect(await updated).toBe("baton://messages/ben");
    const [content] = (await ben.client.readResource({ uri: "baton://messages/ben" })).contents;
    expect(JSON.parse(content && "text" in content ? content.text : "")).toMatchObject({
      messages: [{ from: "ann", body: "kept" }],
    });
    ben.server.child.kill("SIGKILL");
    ann.server.child.kill("SIGKILL");
    await Promise.all([ann.server.ended, ben.server.ended]);
    const again = await connectClient({ database: ann.server.database });
    expect(await again.call("read_messages", { agent: "ben", project: "p" })).toMatchObject({
      unread: 1,
      messages: [{ body: "kept" }],
    });
  });
});
