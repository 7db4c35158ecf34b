import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { runMachine, taskMachine } from "../../src/engine/lifecycle/machines.js";
import { presenceMachine } from "../../src/engine/agents/presence.js";
import { machineDiagram } from "../../src/engine/machine.js";

const DIRECTORY = import.meta.dirname;
const ARCHITECTURE = path.resolve(DIRECTORY, "../../docs/architecture.md");
/** As for the tools: BATON_UPDATE_GOLDEN=1 npx vitest run test/golden, then the same picture in docs/architecture.md */
const UPDATE = process.env["BATON_UPDATE_GOLDEN"] === "1";

const machines = [
  { name: taskMachine.name, diagram: machineDiagram(taskMachine) },
  { name: runMachine.name, diagram: machineDiagram(runMachine) },
  { name: presenceMachine.name, diagram: machineDiagram(presenceMachine) },
];

describe.each(machines)("the state machine of a $name", ({ name, diagram }) => {
  test("is the one that was agreed", () => {
    const file = path.join(DIRECTORY, `${name}.mmd`);
    if (UPDATE) writeFileSync(file, diagram);
    expect(existsSync(file) ? readFileSync(file, "utf8") : "no golden file").toBe(diagram);
  });

  test("is drawn so in docs/architecture.md", () => {
    const drawn = [...readFileSync(ARCHITECTURE, "utf8").matchAll(/```mermaid\n([^`]*)```/g)].map(([, text]) => text);
    expect(drawn).toContain(diagram);
  });
});
