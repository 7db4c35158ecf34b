import { mkdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, temporaryDirectory } from "../../support/databases/databases.js";
import { startAppOn } from "../../support/servers/app.js";
import { until } from "../../support/until.js";

/** Projects `outer`, `middle` at packages/a, and `inner` at packages/a/sub, made in an order. */
async function nestedProjects(backend: (typeof BACKENDS)[number], order = ["outer", "middle", "inner"]) {
  const cwd = realpathSync(temporaryDirectory());
  const roots: Record<string, string> = { outer: "", middle: "packages/a", inner: "packages/a/sub" };
  mkdirSync(path.join(cwd, "packages/a/sub"), { recursive: true });
  mkdirSync(path.join(cwd, "packages/ab"), { recursive: true });
  const app = await startAppOn(backend, { cwd });
  const make = (name: string) => app.call("create_project", { name, root: path.join(cwd, roots[name] ?? "") });
  for (const name of order) await make(name);
  /** Locks a file, named as `project:path`. */
  const lock = async (agent: string, place: string, rest = {}) => {
    const [project, file = ""] = place.split(":");
    return (await app.call("acquire_file_lock", { agent, project, paths: [file], ...rest })).outcome;
  };
  const release = (agent: string, project: string) => app.call("release_file_lock", { agent, project, all: true });
  return { ...app, cwd, make, lock, release };
}

describe.each(BACKENDS)("projects inside of each other, on %s", (backend) => {
  test("have the files in common that lie in both, whichever is locked first", async () => {
    const { lock, release } = await nestedProjects(backend);
    const pairs: [string, string, "granted" | "denied"][] = [
      ["outer:./", "inner:f", "denied"],
      ["outer:packages/", "middle:f", "denied"],
      ["outer:**/*.ts", "inner:f.ts", "denied"],
      ["outer:**/*.ts", "inner:f.js", "granted"],
      ["outer:packages/*/sub/*.ts", "inner:f.ts", "denied"],
      ["outer:packages/*/sub/*.ts", "inner:deep/f.ts", "granted"],
      ["outer:packages/*/*.ts", "middle:f.ts", "denied"],
      ["outer:packages/*/*.ts", "middle:sub/", "granted"],
      ["middle:**", "inner:deep/", "denied"],
      ["outer:packages/ab/", "middle:./", "granted"],
    ];
    // A file that is named in a project around its own is locked in its own.
    const freeAll = async () => {
      for (const project of ["outer", "middle", "inner"]) for (const agent of ["x", "y"]) await release(agent, project);
    };
    const found: unknown[] = [];
    for (const [one, other, outcome] of pairs) {
      const asked = [await lock("x", one), await lock("y", other)];
      await freeAll();
      const reversed = [await lock("y", other), await lock("x", one)];
      await freeAll();
      if (asked[1] !== outcome || reversed[1] !== outcome) found.push([one, other, asked, reversed]);
    }
    expect(found).toEqual([]);
  });

  test("know each other whichever is made first, and a conflict names the path as the asking project has it", async () => {
    const { call, lock, make } = await nestedProjects(backend, ["inner"]);
    await lock("x", "inner:f");
    await make("outer");
    const denied = await call("acquire_file_lock", { agent: "y", project: "outer", paths: ["./"] });
    expect(denied).toMatchObject({ outcome: "denied", conflicts: [{ held_by: "x", locked_path: "packages/a/sub/f" }] });
    expect(await call("check_file_lock", { agent: "y", project: "outer", path: "packages/a/sub/f" })).toMatchObject({
      allowed: false,
    });
    await call("release_file_lock", { agent: "x", project: "inner", all: true });
    expect(await lock("y", "outer:packages/")).toBe("granted");
    await make("middle");
    expect(await lock("x", "middle:g")).toBe("denied");
    // Its own lock around is not in an agent's way.
    expect(await lock("y", "inner:f")).toBe("granted");
  });

  test("serve a request that waits for a lock of another, and bring back a task whose files it keeps", async () => {
    const { call, lock, release } = await nestedProjects(backend);
    await lock("x", "inner:f");
    const steps = [{ key: "t", prompt: "x", files: { write: ["packages/*/sub/f"] } }];
    const { run } = await call("execute_workflow", { project: "outer", definition: { name: "w", steps } });
    expect(await call("claim_task", { agent: "y", run: run.id })).toMatchObject({
      outcome: "none",
      reason: "locked_out",
    });
    const waits = lock("z", "middle:sub/", { wait_seconds: 600 });
    const inLine = async () =>
      (await call("list_file_locks", { project: "inner" })).locks.some(({ state }) => state === "queued");
    await until("a request in line", inLine);
    await release("x", "inner");
    expect(await waits).toBe("granted");
    expect(await call("claim_task", { agent: "y", run: run.id })).toMatchObject({
      outcome: "none",
      reason: "locked_out",
    });
    await release("z", "inner");
    const claimed = await call("claim_task", { agent: "y", run: run.id });
    expect(claimed).toMatchObject({ outcome: "claimed", locks: [{ path: "packages/*/sub/f" }] });
    expect(await lock("x", "inner:f")).toBe("denied");
    const behind = lock("x", "inner:f", { wait_seconds: 600 });
    await until("a request in line", inLine);
    await call("complete_task", { task: claimed.task?.id ?? "", token: claimed.lease?.token ?? 0 });
    expect(await behind).toBe("granted");
  });
});
