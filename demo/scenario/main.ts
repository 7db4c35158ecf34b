// npm run demo -- team [--pace MS] [--remove]
//
// --pace MS    how long a member pauses in each task, where a model would think
// --remove     removes the temporary directory at the end
import path from "node:path";
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { argumentsOf, numberOf } from "../../test/support/servers/arguments.js";
import { Ending } from "../ending.js";
import { Board } from "../show/board.js";
import { Report } from "../show/report.js";
import type { Baton } from "../team/baton.js";
import { homeOf } from "../team/workspace.js";
import { judge } from "./findings.js";
import { makeRepository } from "./repository.js";
import { Scenario } from "./scenario.js";

const USAGE = "npm run demo -- team [--pace MILLISECONDS] [--remove]";
const PACE_MS = 400;
/** A short one: an agent that takes over asks for the whole. */
const BRIEF_TOKENS = 500;
/** A scenario that hangs ends here, as failed. */
const RUN_MS_MAX = 180_000;

const values = readArguments();
const board = new Board(process.stdout, Date.now());
const place = await makeRepository(homeOf(import.meta.dirname));
const scenario = new Scenario({ place, pace_ms: values.pace }, board);
const ending = new Ending({
  board,
  limitMs: RUN_MS_MAX,
  directory: path.dirname(place.database),
  stop: () => scenario.stop(),
});

try {
  board.line(board.ink("bold", "Baton: four assistants and a person, from a goal to the end of the work"));
  board.line(
    "Clients   claude-code plans and designs, codex and cursor write, gemini-cli reviews; each through a server of its own",
  );
  board.line("Person    sets the budget and decides, with `baton` at the command line");
  board.line("Models    none, and no network: a client pauses where a model would think");
  board.line(`Project   ${place.repository}`);
  board.line();
  const observer = await scenario.perform();
  const { events, run } = scenario;
  const report = new Report(board, process.stdout.columns);
  await reportOn(report, { baton: observer, run });
  const findings = await judge({ events, place, run, baton: observer });
  await observer.close();
  report.findings(findings);
  if (!values.remove) {
    report.heading("Look at it");
    report.lines([`commits   git -C ${place.repository} log --stat`, `database  ${place.database}`]);
  }
  ending.pronounce(findings);
} catch (error) {
  await ending.giveUp(error);
} finally {
  await scenario.stop();
  if (values.remove) await rm(path.dirname(place.database), { recursive: true, force: true });
}

/** Prints what the next agent finds: artifacts, costs, and the brief of the run. */
async function reportOn(
  report: Report,
  { baton, run }: { readonly baton: Baton; readonly run: string },
): Promise<void> {
  const { artifacts } = await baton.query("list_artifacts", { run });
  report.heading("Artifacts");
  report.lines(
    artifacts.map(({ name, version, type, bytes }) => `${name}, version ${version}: ${type}, ${bytes} bytes`),
  );
  const { groups } = await baton.query("get_costs", { run, group_by: "agent" });
  report.heading("Costs");
  report.lines(
    groups.map(
      ({ agent, cost, records }) =>
        `$${cost.toFixed(2)}  ${typeof agent === "string" ? agent : ""}, ${records} ${records === 1 ? "report" : "reports"}`,
    ),
  );
  const { brief } = await baton.query("get_brief", { run, max_tokens: BRIEF_TOKENS });
  report.heading("The brief of the run");
  report.lines(brief.split("\n"));
}

/** Ends the process with a sentence for what cannot be meant. */
function readArguments() {
  return argumentsOf({ program: "demo", usage: USAGE }, () => {
    const { values: given } = parseArgs({
      args: process.argv.slice(3),
      options: { pace: { type: "string", default: String(PACE_MS) }, remove: { type: "boolean", default: false } },
    });
    return { ...given, pace: numberOf("pace", given.pace) };
  });
}
