// A process of its own on a test's database, over the built store. The first arguments are the backend and its location.
//   count TIMES   says that it is ready; for a line on stdin, adds one to the row `counter`, so often, reading it first,
//                 and says how long the slowest took
//   open          opens (and migrates) the database and says its schema's version
//   echo          for each line on stdin, inserts an event and says when it was committed (milliseconds since the epoch)
import { once } from "node:events";
import { createInterface } from "node:readline";
import { systemRuntime } from "../../../dist/runtime/runtime.js";

const [backend, location, task, times] = process.argv.slice(2);
const runtime = systemRuntime();

async function open() {
  if (backend === "postgres") {
    const { openPostgres } = await import("../../../dist/store/postgres/postgres.js");
    return openPostgres({ url: location, poolSize: 4, runtime, busyMs: 60_000 });
  }
  const { openSqlite } = await import("../../../dist/store/sqlite/sqlite.js");
  return openSqlite({ file: location, synchronous: "NORMAL", runtime, busyMs: 60_000 });
}

function* addOne() {
  const [row] = yield ["SELECT value FROM settings WHERE name = 'counter' %FOR_UPDATE%"];
  yield ["UPDATE settings SET value = $1 WHERE name = 'counter'", [String(Number(row.value) + 1)]];
}

function* insertEvent() {
  yield ["INSERT INTO events (at, type, data) VALUES (0, 'echo', '{}')"];
}

const store = await open();
if (task === "open") console.log(store.info.schemaVersion);
if (task === "count") {
  let slowest = 0;
  console.log("ready");
  await once(process.stdin, "data");
  for (let i = 0; i < Number(times); i++) {
    const startedAt = performance.now();
    await store.transact(addOne);
    slowest = Math.max(slowest, performance.now() - startedAt);
  }
  console.log(Math.round(slowest));
  process.stdin.destroy();
}
if (task === "echo") {
  console.log("ready");
  for await (const _ of createInterface({ input: process.stdin })) {
    await store.transact(insertEvent);
    console.log(performance.timeOrigin + performance.now());
  }
}
await store.close();
