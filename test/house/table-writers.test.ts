import { describe, expect, test } from "vitest";
import { readSource, typescriptFiles } from "./source.js";

/** Files that write tables of other rooms, each with the reason. */
const ELSEWHERE: Readonly<Record<string, { readonly tables: readonly string[] | "all"; readonly because: string }>> = {
  "src/store/runs/runs.ts": { tables: "all", because: "deleteRun removes a run with everything that belongs to it" },
  "src/store/tasks/pruning.ts": { tables: "all", because: "it removes a task with everything that belongs to it" },
  "src/store/snapshots/run-snapshots.ts": { tables: "all", because: "it writes rows back as a snapshot has them" },
  "src/store/cost/budgets.ts": { tables: ["runs"], because: "runs.budget_of and runs.over_budget belong to budgets" },
  "src/store/child-runs/child-runs.ts": {
    tables: ["runs", "tasks"],
    because: "it sets due_at to wake parents and tasks",
  },
  "src/store/presence/host-sleeps.ts": {
    tables: ["agents", "file_locks", "lock_requests", "tasks"],
    because: "it moves the times of all work of a host that has slept",
  },
  "src/store/locks/locks.ts": {
    tables: ["projects"],
    because: "projects.lock_token counts the fencing tokens of locks",
  },
};

const WRITE =
  /\b(?:INSERT INTO|DELETE FROM) ([a-z_]+)|\bUPDATE ([a-z_]+) SET\b|\binsertInto(?:<[^>]*>)?\(\s*(?:table\("(\w+)"|\{ name: "(\w+)"|([A-Z_]+))/g;

interface Written {
  readonly file: string;
  readonly raw: string;
}

describe("the writers of a table", () => {
  const sources = typescriptFiles("src/store")
    .filter((file) => !/\/(?:sqlite|postgres|driver|migrations)\//.test(file))
    .map(readSource);

  test("a table is written by one room of src/store", () => {
    expect(complaints(sources)).toEqual([]);
  });

  test("an exception names a file that needs it", () => {
    const rooms = roomsByTable(sources);
    const needed = sources.filter((source) =>
      [...tablesOf(source)].some((table) => !(rooms.get(table) ?? new Set()).has(roomOf(source.file))),
    );
    expect(needed.map(({ file }) => file).sort()).toEqual(Object.keys(ELSEWHERE).sort());
  });

  test.each([
    "`UPDATE tasks SET title = $1`",
    '"DELETE FROM tasks"',
    "insertInto(TASKS)",
    'insertInto(table("tasks", {}))',
  ])("a second room that says %s is named", (text) => {
    const second = {
      file: "src/store/projects/more.ts",
      raw: `const TASKS = table("tasks", {});\nconst sql = ${text};`,
    };
    expect(complaints([...sources, second])).toEqual([
      "tasks is written by projects, tasks: move the statement to the room of its table, or give a reason in test/house/table-writers.test.ts",
    ]);
  });
});

function complaints(sources: readonly Written[]): string[] {
  return [...roomsByTable(sources)].flatMap(([table, rooms]) =>
    rooms.size < 2
      ? []
      : `${table} is written by ${[...rooms].sort().join(", ")}: move the statement to the room of its table, or give a reason in test/house/table-writers.test.ts`,
  );
}

function roomsByTable(sources: readonly Written[]): Map<string, Set<string>> {
  const rooms = new Map<string, Set<string>>();
  for (const source of sources) {
    for (const table of tablesOf(source)) {
      if (!isElsewhere(source.file, table)) rooms.set(table, (rooms.get(table) ?? new Set()).add(roomOf(source.file)));
    }
  }
  return rooms;
}

function isElsewhere(file: string, table: string): boolean {
  const tables = ELSEWHERE[file]?.tables ?? [];
  // Tables of the file's own room stay its own.
  if (tables === "all") return !OWN[file]?.includes(table);
  return tables.includes(table);
}

const OWN: Readonly<Record<string, readonly string[]>> = {
  "src/store/runs/runs.ts": ["runs", "run_definitions"],
};

function tablesOf({ raw }: Written): Set<string> {
  const tables = Array.from(raw.matchAll(WRITE), ([, written, updated, described, named, constant]) => {
    const table = constant && new RegExp(`\\bconst ${constant} = table\\("(\\w+)"`).exec(raw)?.[1];
    return written ?? updated ?? described ?? named ?? table ?? "";
  });
  return new Set(tables.filter((table) => table !== ""));
}

function roomOf(file: string): string {
  return file.split("/")[2] ?? "";
}
