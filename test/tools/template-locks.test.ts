import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { mine, start, write } from "../support/fixtures/own-templates.js";

describe("a template writes no file", () => {
  test("where another agent has locked it", async () => {
    const app = await start(mine({ "files/src/a.txt": "a" }));
    await app.call("create_project", { name: "demo", root: app.root });
    await app.call("acquire_file_lock", { project: "demo", agent: "ben", paths: ["src/"] });
    await expect(app.create({ agent: "ann" })).rejects.toThrow(/locked in the project "demo": src\/a\.txt \(ben\)/);
    expect(readdirSync(app.root)).toEqual([]);
    expect(await app.create({ agent: "ben" })).toMatchObject({ created: false });
  });

  test("where another agent has locked it in a project around the new one", async () => {
    const app = await start(mine({ "files/README.md": "new" }));
    const root = path.join(app.root, "sub", "er");
    write(root, { "README.md": "old" });
    await app.call("create_project", { name: "outer", root: app.root });
    // Locked before there is a project between, which would be the file's own.
    await app.call("acquire_file_lock", { project: "outer", agent: "ann", paths: ["sub/er/README.md"] });
    await app.call("create_project", { name: "between", root: path.dirname(root) });
    const nested = { root, overwrite: true };
    const refused = app.create({ ...nested, agent: "ben" });
    await expect(refused).rejects.toThrow(/locked in the project "outer": sub\/er\/README\.md \(ann\)/);
    await expect(refused).rejects.toMatchObject({ code: "conflict" });
    expect(readFileSync(path.join(root, "README.md"), "utf8")).toBe("old");
    expect(await app.create({ ...nested, agent: "ann" })).toMatchObject({ created: true });
  });

  test("where another agent has locked it in a project within the new one", async () => {
    const app = await start(mine({ "files/README.md": "a", "files/sub/er/b.txt": "b", "files/subway/c.txt": "c" }));
    for (const name of ["sub/er", "subway", "sub/er/deep"]) mkdirSync(path.join(app.root, name), { recursive: true });
    await app.call("create_project", { name: "inner", root: path.join(app.root, "sub", "er") });
    await app.call("create_project", { name: "below", root: path.join(app.root, "sub", "er", "deep") });
    await app.call("create_project", { name: "sister", root: path.join(app.root, "subway") });
    // Locks the same path in another project, and everything in a project that is given no file.
    await app.call("acquire_file_lock", { project: "sister", agent: "cem", paths: ["b.txt"] });
    await app.call("acquire_file_lock", { project: "below", agent: "cem", paths: ["./"] });
    await app.call("acquire_file_lock", { project: "inner", agent: "ann", paths: ["*.txt"] });
    const refused = app.create({ agent: "ben" });
    await expect(refused).rejects.toMatchObject({ code: "conflict" });
    await expect(refused).rejects.toThrow(/locked in the project "inner": b\.txt \(ann\)/);
    expect(readdirSync(app.root).toSorted()).toEqual(["sub", "subway"]);
    expect(await app.create({ agent: "ann" })).toMatchObject({ created: true });
  });
});
