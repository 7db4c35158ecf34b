import { describe, expect, test } from "vitest";
import { lineOf, parseSource, readSource, type Source, typescriptFiles } from "./source.js";

/** Snapshots hold rows as the database has them, and checkpoints write them back. */
const MAY = /^src\/engine\/(?:snapshots|checkpoints)\//;
const RAW_ROW = /\bimport\b[^;]*\{[^}]*\bRow\b[^}]*\}[^;]*store\/tx\.js"|\btx\.Row\b|\)\.Row\b/g;

describe("raw rows", () => {
  test("the engine handles no raw rows outside of snapshots and checkpoints", () => {
    expect(typescriptFiles("src/engine").map(readSource).flatMap(rawRowsOf)).toEqual([]);
  });

  test.each([
    `import type { Row, Tx } from "../../store/tx.js";`,
    `import { type Row as Raw } from "../../store/tx.js";`,
    `import type {\n  Row,\n  Tx,\n} from "../../store/tx.js";`,
    `let row: import("../../store/tx.js").Row;`,
    `import * as tx from "../../store/tx.js"; let row: tx.Row;`,
  ])("another room may not contain: %s", (text) => {
    expect(rawRowsOf(parseSource("src/engine/tasks/tasks.ts", text))).toEqual([
      expect.stringMatching(/^src\/engine\/tasks\/tasks\.ts:1 .*table\(…\)/),
    ]);
    expect(rawRowsOf(parseSource("src/engine/snapshots/codec.ts", text))).toEqual([]);
  });

  test.each([`import type { Tx } from "../../store/tx.js";`, `import type { RowOf } from "../../store/tables.js";`])(
    "another room may contain: %s",
    (text) => {
      expect(rawRowsOf(parseSource("src/engine/tasks/tasks.ts", text))).toEqual([]);
    },
  );
});

function rawRowsOf(source: Source): string[] {
  if (MAY.test(source.file)) return [];
  return [...source.raw.matchAll(RAW_ROW)].map(
    ({ index }) =>
      `${source.file}:${lineOf(source, index)} uses a raw Row: read it in the room of src/store that owns its table, with the table(…) that describes it or a reader of rows.ts, and return the typed row`,
  );
}
