import { expect, test } from "vitest";
import { BACKENDS } from "../../support/databases/databases.js";
import { startAppOn } from "../../support/servers/app.js";

test.each(BACKENDS)(
  "numbers of the history are given once, also when its newest run is removed, on %s",
  async (backend) => {
    const { call, advance } = await startAppOn(backend, { settings: { retention_ms: 60_000 } });
    const definition = { name: "short", steps: [{ key: "a", prompt: "do it" }] };
    const { run } = await call("execute_workflow", { definition, wait_seconds: 0 });
    await call("control_run", { run: run.id, action: "cancel" });
    const newest = async () => (await call("list_events", { limit: 200 })).events.at(-1)!;
    const last = await newest();
    expect(last).toMatchObject({ type: "run.finished", run: run.id });
    await advance(120_000);
    await advance(120_000);
    await expect(call("get_run", { run: run.id })).rejects.toMatchObject({ code: "not_found" });
    await call("create_project", { name: "next" });
    expect((await newest()).seq).toBeGreaterThan(last.seq);
  },
);
