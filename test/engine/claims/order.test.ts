import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startAppOn } from "../../support/servers/app.js";

/** A claim whose first candidates are locked out goes on with whatever comes next, in whichever lane or run that lies. */
describe.each(BACKENDS)("the order of claims past locked files, on %s", (backend) => {
  const high = (key: string) => ({ key, priority: "high", files: { write: ["x"] } });
  const low = { key: "b", priority: "low", files: { write: ["y"] } };

  const started = async () => {
    const crew = new Crew(await startAppOn(backend));
    await crew.app.call("create_project", { name: "p", root: crew.app.cwd });
    return crew;
  };
  const claimed = async (crew: Crew, count: number) => {
    const keys: string[] = [];
    for (let at = 0; at < count; at++) keys.push((await crew.take(`agent-${at}`, { project: "p" })).key);
    return keys;
  };

  test("a task without files comes before a lower one behind the parked files", async () => {
    const crew = await started();
    await crew.start([high("a1"), high("a2"), low, { key: "d" }], { project: "p" });
    expect(await claimed(crew, 3)).toEqual(["a1", "d", "b"]);
  });

  test("a task of another run with the same demand comes before it too", async () => {
    const crew = await started();
    await crew.start([high("a1"), high("a2"), low], { project: "p" });
    await crew.start([{ key: "d", files: { write: ["z"] } }], { project: "p" });
    expect(await claimed(crew, 3)).toEqual(["a1", "d", "b"]);
  });

  test("elements of a list count their step once, also after a task or a change behind it: the longer chain goes first", async () => {
    const crew = await started();
    const { run } = await crew.start(
      [
        { key: "seed" },
        { key: "long", needs: ["seed"], estimate_ms: 420_000 },
        { key: "list", needs: ["seed"], for_each: [1, 2], estimate_ms: 240_000 },
      ],
      { project: "p" },
    );
    await crew.complete(await crew.take("ann", { project: "p" }));
    const after = { title: "after", prompt: "do it", dependencies: ["list"], estimate_ms: 60_000 };
    await crew.app.call("create_task", { ...after, run: run.id, key: "after" });
    const ready = async () => (await crew.app.call("list_tasks", { run: run.id, status: "ready" })).tasks[0]?.key;
    expect(await ready()).toBe("long");
    const last = { key: "last", prompt: "do it", needs: ["list"], estimate_ms: 60_000 };
    await crew.app.call("modify_run", { run: run.id, changes: [{ op: "add_task", step: last }] });
    expect(await ready()).toBe("long");
  });

  test("an older task of the same priority in another lane comes before it", async () => {
    const crew = await started();
    const files = (key: string, path: string) => ({ key, files: { write: [path] } });
    await crew.start([files("a1", "x"), files("a2", "x"), { key: "d" }, files("b", "y")], { project: "p" });
    expect(await claimed(crew, 3)).toEqual(["a1", "d", "b"]);
  });
});
