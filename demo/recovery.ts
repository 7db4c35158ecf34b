// Three clients document Baton's own source in one repository; in the middle everything is killed at once, starts again and goes on.
//
//   npm run demo -- [--short] [--pace MS] [--svg FILE] [--remove]
//
// --short      seven modules instead of twenty
// --pace MS    how long a client pauses in each task, where a model would think
// --svg FILE   also writes the picture of the run there
// --remove     removes the temporary directory at the end
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { argumentsOf, numberOf } from "../test/support/servers/arguments.js";
import type { Baton } from "./team/baton.js";
import { Board } from "./show/board.js";
import { Demo } from "./demo.js";
import { Ending } from "./ending.js";
import { Report } from "./show/report.js";
import { seconds, SERVER } from "./story.js";
import { drawScene } from "./show/timeline.js";
import { judge, recoveriesOf } from "./verdict.js";
import { CLIENTS } from "./team/orders.js";
import { directoryOf, homeOf, makeWorkspace, removeWorkspace } from "./team/workspace.js";

/** Modules in the plan, the smallest of this repository: as many as are written in half a minute. */
const MODULES_MAX = { short: 7, long: 20 } as const;
const PACE_MS = 1_500;
/** Tasks that are done before everything is killed: enough to see how it goes. */
const KILL_AFTER = { short: 0, long: 6 } as const;
const USAGE =
  "npm run demo -- [--short] [--pace MILLISECONDS] [--svg FILE] [--remove], or npm run demo -- team [--pace MILLISECONDS] [--remove]";
/** A demo that hangs ends here, as failed. */
const RUN_MS_MAX = 300_000;

const commandResult = z.object({ exit_code: z.number(), output_tail: z.string() }).optional();

const values = readArguments();
const board = new Board(process.stdout, Date.now());
const place = await makeWorkspace(homeOf(import.meta.dirname));
const demo = new Demo(
  {
    place,
    modules_max: values.short ? MODULES_MAX.short : MODULES_MAX.long,
    pace_ms: values.pace,
    kill_after: values.short ? KILL_AFTER.short : KILL_AFTER.long,
  },
  board,
);
const ending = new Ending({
  board,
  limitMs: RUN_MS_MAX,
  directory: directoryOf(place),
  stop: () => demo.crew.stop(),
});

try {
  board.line(board.ink("bold", "Baton: three assistants at work in one repository, until everything is killed"));
  board.line(
    "Baton     hands each task, with the files it writes, to one agent at a time; all it knows is one SQLite file",
  );
  board.line(
    "Clients   claude-code, codex and cursor: programs that speak to Baton as those do, each through a server of its own",
  );
  board.line("Models    none, and no network: a client pauses where a model would think");
  board.line("Work      a page of documentation for each module, a page that all share, a commit for each page");
  board.line(`Project   ${place.repository} (a copy of this repository's source)`);
  board.line();
  const observer = await demo.perform();
  await report(observer);
  await observer.close();
} catch (error) {
  await ending.giveUp(error);
} finally {
  await demo.crew.stop();
  if (values.remove) await removeWorkspace(place);
}

async function report(observer: Baton): Promise<void> {
  const { story, run, edits, refusals, heldUpMs } = demo;
  const out = new Report(board, process.stdout.columns);
  const rows = [...CLIENTS, SERVER];
  const span = { from: story.startedAt, to: story.endedAt };
  out.clients(story, rows, span);
  const recoveries = recoveriesOf(story).toSorted((a, b) => a.took_ms - b.took_ms);
  out.recoveries(recoveries);
  const checked = await observer.call("get_task", { task: `${run}/check-links`, include: ["result"] });
  const check = commandResult.parse(checked.result);
  const findings = await judge({ place, story, edits, refusals, heldUpMs, check });
  out.findings(findings);

  const scene = drawScene({ story, refusals, clients: rows, span });
  await writeFile(path.join(directoryOf(place), "run.svg"), scene);
  if (values.svg !== undefined) await writeFile(values.svg, scene);
  if (!values.remove) {
    out.heading("Look at it");
    out.lines([
      `commits   git -C ${place.repository} log --stat start..`,
      `picture   ${path.join(directoryOf(place), "run.svg")}`,
      `database  ${place.database}`,
    ]);
  }
  const last = Math.max(...recoveries.map(({ took_ms }) => took_ms));
  ending.pronounce(findings, `${story.done} tasks, all work under way again ${seconds(last)} after the restart`);
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
