import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { createApp } from "../src/app.js";

const app = createApp();
let address;

before(async () => {
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  address = `http://127.0.0.1:${app.address().port}`;
});
after(() => app.close());

const post = (body) => fetch(`${address}/api/notes`, { method: "POST", body });

test("the page is there", async () => {
  const response = await fetch(address);
  assert.equal(response.status, 200);
  assert.match(await response.text(), /<h1>${{ project.name }}<\/h1>/);
});

test("a note that is added is listed", async () => {
  const added = await post(JSON.stringify({ text: " milk " }));
  assert.equal(added.status, 201);
  assert.deepEqual(await (await fetch(`${address}/api/notes`)).json(), [{ id: 1, text: "milk" }]);
});

test("what makes no sense is refused with the reason", async () => {
  assert.equal((await post("no json")).status, 400);
  assert.equal((await post(JSON.stringify({ text: "" }))).status, 400);
  assert.equal((await post("x".repeat(20_000))).status, 413);
  assert.equal((await fetch(`${address}/nowhere`)).status, 404);
});
