import { describe, expect, test } from "vitest";
import { BatonError } from "../../../src/base/errors.js";
import { Subscriptions } from "../../../src/mcp/browsing/subscriptions.js";
import type { Reader } from "../../../src/resources/resource.js";
import { type Logger, silentLogger } from "../../../src/runtime/logger.js";
import { appendEvents } from "../../../src/store/events/events.js";
import type { NewEvent } from "../../../src/store/events/events.js";
import { startApp } from "../../support/servers/app.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";

const AGENTS = "baton://agents";
const RUNS = "baton://runs";
const registered = { type: "agent.registered", agent: "someone" } as const;

/** A client's subscriptions on an app of its own, and another process's store on the same database. */
async function watching(backend: (typeof BACKENDS)[number], broken = () => false) {
  const database = await createDatabase(backend);
  const other = await database.open();
  const { app } = await startApp({ database: database.location });
  let listeners = 0;
  const open = async (): Promise<Reader> => {
    const reader = await app.reader("test");
    const onWake = (listener: () => void) => {
      listeners += 1;
      const stop = reader.onWake(listener);
      return () => {
        listeners -= 1;
        stop();
      };
    };
    const read: Reader["read"] = async (query) => {
      // As the store answers once it has given up.
      if (broken()) throw new BatonError("unavailable", "The database is gone.");
      return reader.read(query);
    };
    return { read, onWake };
  };
  const told: string[] = [];
  let heard = () => {};
  const notify = async (uri: string) => {
    told.push(uri);
    heard();
  };
  let warned = () => {};
  const failed = new Promise<void>((resolve) => (warned = resolve));
  const logger: Logger = { ...silentLogger, warn: () => warned() };
  const subscriptions = new Subscriptions({ notify, logger });
  return {
    subscriptions,
    told,
    /** Settles when a look has failed. */
    failed,
    listeners: () => listeners,
    subscribe: (uri: string) => subscriptions.subscribe(open, uri),
    record: (...events: NewEvent[]) => other.transact((ctx) => appendEvents(ctx, events)),
    untilTold: (uri: string) =>
      new Promise<void>((resolve) => {
        heard = () => told.includes(uri) && resolve();
        heard();
      }),
  };
}

describe.each(BACKENDS)("subscriptions on %s", (backend) => {
  test("watch the database once, and only while there are any", async () => {
    const { subscriptions, subscribe, listeners } = await watching(backend);
    await expect(subscribe("baton://runs/none")).rejects.toMatchObject({ code: "not_found" });
    await subscriptions.unsubscribe(RUNS);
    expect(listeners()).toBe(0);
    await subscribe(RUNS);
    await subscribe(AGENTS);
    await subscribe(AGENTS);
    expect(listeners()).toBe(1);
    await subscriptions.unsubscribe(RUNS);
    expect(listeners()).toBe(1);
    await subscriptions.unsubscribe(AGENTS);
    expect(listeners()).toBe(0);
    await subscribe(RUNS);
    expect(listeners()).toBe(1);
    subscriptions.close();
    expect(listeners()).toBe(0);
  });

  test("take effect in the order in which they were asked for", async () => {
    const { subscriptions, subscribe, told, record, untilTold } = await watching(backend);
    await Promise.all([
      subscribe(RUNS),
      subscriptions.unsubscribe(RUNS),
      subscribe(AGENTS),
      subscriptions.unsubscribe(AGENTS),
      subscribe(AGENTS),
    ]);
    await record({ type: "run.pruned" }, registered);
    await untilTold(AGENTS);
    expect(told).toEqual([AGENTS]);
    subscriptions.close();
  });

  test("that fall far behind are told that everything may have changed, and go on from there", async () => {
    const { subscriptions, subscribe, told, record, untilTold } = await watching(backend);
    await subscribe(RUNS);
    await subscribe(AGENTS);
    await record(...Array.from({ length: 6_000 }, () => registered));
    await untilTold(RUNS);
    await untilTold(AGENTS);
    expect(told).toEqual([RUNS, AGENTS]);
    told.length = 0;
    await record(registered);
    await untilTold(AGENTS);
    expect(told).toEqual([AGENTS]);
    subscriptions.close();
  });

  test("outlast a look that fails", async () => {
    let failing = false;
    const { subscriptions, subscribe, told, record, failed, untilTold } = await watching(backend, () => failing);
    await subscribe(AGENTS);
    failing = true;
    await record(registered);
    await failed;
    failing = false;
    await untilTold(AGENTS);
    expect(told).toEqual([AGENTS]);
    subscriptions.close();
  });
});
