// The ceiling of serving over HTTP here: hono with its Node adapter, and answers that are known before they are asked for.
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const BYTES_MAX = 1_000_000;
const JSON_TYPE = { "Content-Type": "application/json" };
const bodies = new Map();
const app = new Hono();

/** Reads the body and answers with a constant one of so many bytes. */
app.post("/constant/:bytes", async (context) => {
  await context.req.text();
  return context.body(bodyOf(Number(context.req.param("bytes"))), 200, JSON_TYPE);
});

let held = [];

/** Answers when it is released. */
app.post("/held", async (context) => {
  await context.req.text();
  await new Promise((resolve) => held.push(resolve));
  return context.body(bodyOf(500), 200, JSON_TYPE);
});

app.post("/release", (context) => {
  for (const release of held) release();
  held = [];
  return context.body("{}", 200, JSON_TYPE);
});

function bodyOf(bytes) {
  if (!(bytes <= BYTES_MAX)) throw new RangeError(`no body of ${bytes} bytes`);
  const known = bodies.get(bytes) ?? JSON.stringify({ constant: "x".repeat(Math.max(0, bytes - 15)) });
  bodies.set(bytes, known);
  return known;
}

// Connections are kept as long as Baton keeps them.
const serverOptions = { keepAliveTimeout: 65_000 };
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0, serverOptions }, ({ port }) => {
  process.stderr.write(`serving at http://127.0.0.1:${port}/\n`);
});
