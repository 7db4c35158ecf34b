import { expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { startReceiver } from "../support/receivers.js";
import { connectClient } from "../support/servers/client.js";
import { until } from "../support/until.js";

test.each(BACKENDS)(
  "a delivery on %s whose process is killed in the middle is made by another, with the same id",
  async (backend) => {
    const receiver = await startReceiver();
    // The first post is left without an answer.
    receiver.answer(
      () => {},
      (response) => void response.writeHead(204).end(),
    );
    const { location: database } = await createDatabase(backend);
    const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    const env = {
      BATON_NOTIFICATIONS: JSON.stringify({ webhooks: { ops: { url: receiver.url, secret } } }),
      // Its attempt is taken for dead 5 s after this.
      BATON_DELIVERY_TIMEOUT_MS: "1000",
    };
    const first = await connectClient({ database, env });
    await first.call("escalate", { type: "security_review", title: "Stop?", priority: "critical", agent: "ben" });
    await until("the first attempt", () => receiver.posts.length === 1);
    first.server.child.kill("SIGKILL");
    await first.server.ended;
    const second = await connectClient({ database, env });
    await until("the second attempt", () => receiver.posts.length === 2);
    expect(receiver.posts[1]!.headers["webhook-id"]).toBe(receiver.posts[0]!.headers["webhook-id"]);
    const delivered = await until("its end", async () => {
      const { deliveries } = await second.query("list_deliveries");
      return deliveries[0]?.status === "delivered" ? deliveries : undefined;
    });
    expect(delivered).toMatchObject([{ attempts: 2 }]);
    await second.close();
  },
);

test("a server whose client goes ends while a receiver keeps it waiting, and leaves another the last attempt", async () => {
  const receiver = await startReceiver();
  receiver.answer(
    () => {},
    (response) => void response.writeHead(204).end(),
  );
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const env = {
    BATON_NOTIFICATIONS: JSON.stringify({ webhooks: { ops: { url: receiver.url, secret } } }),
    // Longer than the test may take.
    BATON_DELIVERY_TIMEOUT_MS: "300000",
    BATON_DELIVERY_ATTEMPTS_MAX: "1",
  };
  const client = await connectClient({ env });
  await client.call("escalate", { type: "security_review", title: "Stop?", priority: "critical", agent: "ben" });
  await until("the attempt", () => receiver.posts.length === 1);
  expect(await client.close()).toEqual({ code: 0, signal: null });
  const next = await connectClient({ database: client.server.database });
  const { deliveries } = await next.query("list_deliveries");
  expect(deliveries).toMatchObject([{ status: "pending", attempts: 0, error: "its server stopped" }]);
  const sender = await connectClient({ database: client.server.database, env });
  await until("its end", async () => (await next.query("list_deliveries")).deliveries[0]?.status === "delivered");
  expect(receiver.posts.map(({ headers }) => headers["webhook-id"])).toEqual([deliveries[0]!.id, deliveries[0]!.id]);
  await sender.close();
});
