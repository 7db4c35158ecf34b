import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { advancedOrchestrator } from "./advanced-orchestrator.js";
import { agentsAndErrors } from "./agents-and-errors.js";
import { type Checks, RowFixture } from "./checks.js";
import { commandLine } from "./command-line.js";
import { complexWorkflows } from "./complex-workflows.js";
import { conflictResolver } from "./conflict-resolver.js";
import { projectsAndWorkflows } from "./projects-and-workflows.js";
import { tenFeatures } from "./ten-features.js";
import { whoDoesWhat } from "./who-does-what.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

interface Requirements {
  /** The founding documents' words, by the number of their row. */
  readonly rows: Readonly<Record<string, string>>;
  /** Rows of areas that do not exist yet. */
  readonly later: Readonly<Record<string, string>>;
  /** Rows that another test shows: its file and a part of its title. */
  readonly shown: readonly { readonly rows: string; readonly file: string; readonly title: string }[];
}

const PLACES: readonly Checks[] = [
  advancedOrchestrator,
  agentsAndErrors,
  tenFeatures,
  conflictResolver,
  projectsAndWorkflows,
  complexWorkflows,
  commandLine,
  whoDoesWhat,
];
const checks = PLACES.flatMap((place) => Object.entries(place));
const { rows, later, shown } = JSON.parse(
  readFileSync(path.join(ROOT, "test/data/requirements.json"), "utf8"),
) as Requirements;
const split = (text: string) => text.split(" ").filter(Boolean);

describe("a requirement of the founding documents", () => {
  test.each(checks)("%s", async (_ids, check) => {
    expect.hasAssertions();
    await check(await RowFixture.open());
  });

  test("is exercised, shown by another test, or of an area that comes later", () => {
    const placed = [
      ...checks.flatMap(([ids]) => split(ids)),
      ...shown.flatMap((one) => split(one.rows)),
      ...Object.values(later).flatMap(split),
    ];
    expect(placed.filter((id) => !(id in rows))).toEqual([]);
    expect(Object.keys(rows).filter((id) => !placed.includes(id))).toEqual([]);
    const works = new Set([...checks.flatMap(([ids]) => split(ids)), ...shown.flatMap((one) => split(one.rows))]);
    expect(
      Object.values(later)
        .flatMap(split)
        .filter((id) => works.has(id)),
    ).toEqual([]);
  });

  test.each(shown)("$rows: $title", ({ file, title }) => {
    const at = path.join(ROOT, file);
    expect(existsSync(at) && readFileSync(at, "utf8").includes(title)).toBe(true);
  });
});
