import { expect, test } from "vitest";
import { connectClient } from "../support/servers/client.js";

test("bytes over stdin and stdout are told with the metrics as text, each answer among them the next time", async () => {
  const client = await connectClient({});
  const bytesAndText = async () => {
    const { text = "" } = await client.call("get_metrics", { format: "prometheus" });
    const bytesOf = (direction: string) =>
      Number(
        new RegExp(`^baton_bytes_total\\{transport="stdio",direction="${direction}"\\} (\\d+)$`, "m").exec(text)?.[1],
      );
    return { received: bytesOf("in"), sent: bytesOf("out"), text };
  };
  const first = await bytesAndText();
  const second = await bytesAndText();
  expect(first.received).toBeGreaterThan(0);
  expect(second.received).toBeGreaterThan(first.received);
  expect(second.sent - first.sent).toBeGreaterThan(first.text.length);
});
