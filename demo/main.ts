// npm run demo: four agents document Baton's own source with Baton, and one of them is killed on the way.
//
//   npm run demo -- [--short] [--pace MS] [--svg FILE] [--remove]
//
// --short      six modules instead of all
// --pace MS    how long an agent pauses in each task, where an assistant would think
// --svg FILE   also writes the picture of the run there
// --remove     removes the temporary directory at the end
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { argumentsOf, numberOf } from "../test/support/servers/arguments.js";
import type { Baton } from "./team/baton.js";
import { Board } from "./show/board.js";
import { AGENTS, Demo } from "./demo.js";
import { drawGraph } from "./show/picture.js";
import { Report } from "./show/report.js";
import { seconds } from "./story.js";
import { drawScene } from "./show/timeline.js";
import { type Finding, judge, recoveryOf } from "./verdict.js";
import { directoryOf, makeWorkspace, removeWorkspace } from "./team/workspace.js";

const SHORT_MODULES = 6;
const PACE_MS = 1_300;
const USAGE = "npm run demo -- [--short] [--pace MILLISECONDS] [--svg FILE] [--remove]";
/** A demo that hangs ends here, as failed. */
const RUN_MS_MAX = 300_000;

const commandResult = z.object({ exit_code: z.number(), output_tail: z.string() }).optional();

const values = readArguments();
const start = Date.now();
let givenUp = false;
const board = new Board(process.stdout, start);
const place = await makeWorkspace(homeOf(import.meta.dirname));
const demo = new Demo(
  {
    place,
    modules_max: values.short ? SHORT_MODULES : undefined,
    pace_ms: values.pace,
    // With few modules each worker is sure of one only.
    stall_at: values.short ? 1 : 2,
  },
  board,
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => void giveUp(`stopped by ${signal}`));
setTimeout(() => void giveUp(`no end after ${seconds(RUN_MS_MAX)}`), RUN_MS_MAX).unref();

try {
  board.line(board.ink("bold", "Baton documents itself: four agents, each with a server of its own, on one database"));
  board.line(`Project   ${place.repository} (a copy of this repository's source)`);
  board.line("Agents    scripts that pause where an assistant would think; no model, no network");
  board.line("Starting  one planner, three workers, and a server for each");
  board.line();
  const observer = await demo.perform();
  const passed = await report(observer);
  await observer.close();
  process.exitCode = passed ? 0 : 1;
} catch (error) {
  await giveUp(error instanceof Error ? error.message : String(error));
} finally {
  await demo.crew.stop();
  if (values.remove) await removeWorkspace(place);
}

/** The top of this repository, whether this file runs compiled or not. */
function homeOf(directory: string): string {
  return existsSync(path.join(directory, "package.json")) ? directory : homeOf(path.dirname(directory));
}

/** Ends all and says why; only the first reason counts, the others follow from it. */
async function giveUp(why: string): Promise<void> {
  if (givenUp) return;
  givenUp = true;
  board.close();
  await demo.crew.stop();
  board.line();
  board.line(board.ink("red", `demo failed: ${why}`));
  board.line(`Everything is kept in ${directoryOf(place)}`);
  process.exit(1);
}

async function report(observer: Baton): Promise<boolean> {
  const { story, run } = demo;
  const out = new Report(board, process.stdout.columns);
  const { graph, mermaid } = await graphOf(observer, run);
  out.heading("The graph");
  out.lines(drawGraph(graph.tasks, graph.edges));
  const agents = [...new Set([...AGENTS, ...story.stints.map(({ agent }) => agent)])];
  const span = { from: story.startedAt, to: story.endedAt };
  out.agents(story, agents, span);
  const recovery = recoveryOf(story);
  if (recovery) out.recovery(recovery);
  const checked = await observer.call("get_task", { task: `${run}/check-links`, include: ["result"] });
  const check = commandResult.parse(checked.result);
  const { findings, links } = await judge({ place, story, heldUpMs: demo.heldUpMs, check });
  out.findings(findings);

  const took = seconds(span.to - span.from);
  const title = `Four agents, ${story.done} tasks, ${took}: one is killed, another takes its task over`;
  const joins = new Set(graph.edges.map(({ to }) => to));
  const scene = drawScene({ title, story, agents, span, joins });
  await writeFile(path.join(directoryOf(place), "run.svg"), scene);
  await writeFile(path.join(directoryOf(place), "graph.mmd"), mermaid);
  if (values.svg !== undefined) await writeFile(values.svg, scene);
  if (!values.remove) {
    out.heading("Look at it");
    out.lines([
      `pages     ${path.join(place.repository, "docs/api/README.md")}`,
      `run       ${path.join(directoryOf(place), "run.svg")}`,
      `graph     ${path.join(directoryOf(place), "graph.mmd")} (Mermaid)`,
      `database  ${place.database}`,
    ]);
  }
  return summary(findings, `${story.done} tasks, taken over after ${seconds(recovery?.took_ms ?? 0)}, ${links}`);
}

/** Returns the graph of a run as data, and as a drawing in Mermaid. */
async function graphOf(observer: Baton, run: string) {
  const { graph } = await observer.query("get_run_graph", { run, format: "json" });
  const { graph: mermaid } = await observer.query("get_run_graph", { run, format: "mermaid" });
  if (typeof graph === "string" || typeof mermaid !== "string")
    throw new Error("the formats of the graph are mixed up");
  return { graph, mermaid };
}

function summary(findings: readonly Finding[], facts: string): boolean {
  const broken = findings.filter(({ holds }) => !holds);
  const passed = broken.length === 0;
  board.line();
  board.line(
    passed
      ? board.ink("green", `demo passed in ${seconds(Date.now() - start)}: ${facts}`)
      : board.ink("red", `demo failed: ${broken.map(({ text }) => text).join("; ")}`),
  );
  return passed;
}

/** Ends the process with a sentence for what cannot be meant. */
function readArguments() {
  return argumentsOf({ program: "demo", usage: USAGE }, () => {
    const { values: given } = parseArgs({
      options: {
        short: { type: "boolean", default: false },
        pace: { type: "string", default: String(PACE_MS) },
        svg: { type: "string" },
        remove: { type: "boolean", default: false },
      },
    });
    return { ...given, pace: numberOf("pace", given.pace) };
  });
}
