// The process of one client: an assistant's program without its model. It starts a Baton server of its own, claims task after
// task, writes pages part by part, adds its rows to the page that all share, and commits its own files.
import { setTimeout as pause } from "node:timers/promises";
import { addCoverage, pageParts, pageResult, PAGES, writeIndex } from "../show/pages.js";
import { Baton } from "./baton.js";
import { Files } from "./files.js";
import { Hooks } from "./hooks.js";
import { listModules } from "./modules.js";
import { type Go, type News, type Orders, PAGE_PERCENT_MAX } from "./orders.js";
import { planInputs, planOf } from "./plan.js";
import { readSource } from "./source.js";

const COVERAGE = `${PAGES}/COVERAGE.md`;
const INDEX = `${PAGES}/README.md`;
const CLAIM_WAIT_SECONDS = 30;
const SHARED_PERCENT = 80;

/** A task that this client holds: everything said about it carries its token. */
interface Held {
  readonly id: string;
  readonly key: string;
  readonly token: number;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly dependencies: readonly { readonly key: string; readonly result?: unknown }[];
}

const orders = JSON.parse(process.argv[2] ?? "null") as Orders;
const { place, pace_ms: paceMs } = orders;
// A client does not outlive the demo, whatever ends that.
process.once("disconnect", outlived);
const baton = await Baton.connect(place, orders, orders.serverArgs);
const told = new Promise<Go>((resolve) => process.once("message", (go) => resolve(go as Go)));
tell({ kind: "connected", server: baton.server });
const hooks = await Hooks.read(orders);
const files = new Files({ baton, hooks, orders, tell });
const { run: known } = await told;
tell({ kind: "told", text: await hooks.sessionStart(orders.again ? "resume" : "startup") });
const run = known ?? (await submitPlan());
for (;;) {
  const held = await claim();
  if (held === "over") break;
  if (held !== "nothing") await finish(held);
}
await baton.close();
process.off("disconnect", outlived);
process.disconnect();

function outlived(): void {
  process.exit(1);
}

function tell(news: News): void {
  process.send?.(news);
}

async function submitPlan(): Promise<string> {
  // The smallest first: a file that takes long to read makes no better story.
  const modules = listModules(place.repository)
    .toSorted((a, b) => a.files.length - b.files.length)
    .slice(0, orders.modules_max);
  const { run: started } = await baton.call("execute_workflow", planOf(modules));
  tell({ kind: "planned", run: started.id });
  return started.id;
}

/** The next task, or after a restart the one that this conversation holds already. */
async function claim(): Promise<Held | "nothing" | "over"> {
  const { task, lease, reason, retry_after_ms } = await baton.call("claim_task", {
    run,
    wait_seconds: CLAIM_WAIT_SECONDS,
  });
  if (task && lease) return { ...task, inputs: task.inputs ?? {}, token: lease.token };
  if (reason === "run_finished") return "over";
  // An answer before the time is over says when to look again.
  await pause(Math.min(retry_after_ms ?? 100, 1_000));
  return "nothing";
}

async function finish(held: Held): Promise<void> {
  const holding = { task: held.id, token: held.token };
  try {
    const result = held.key === "index" ? await joinPages(held) : await writeModule(held);
    await baton.call("complete_task", { ...holding, result });
  } catch (error) {
    const said = error instanceof Error ? error : new Error(String(error));
    await baton.call("fail_task", { ...holding, error: { type: said.name, message: said.message || said.name } });
  }
}

/** Writes the parts of a page that are not there yet: another attempt, or this one before a kill, may have begun it. */
async function writeModule(held: Held) {
  const modules = Object.entries(planInputs.parse(held.inputs).modules).map(([name, of]) => ({ name, files: of }));
  const module = modules.find(({ name }) => name === held.key);
  if (!module) throw new Error(`the plan knows no module ${held.key}`);
  const sources = module.files.map((file) => readSource(place.repository, file));
  const { parts, result } = pageParts({ module, sources, modules });
  const page = `${PAGES}/${result.page}`;
  for (const [index, part] of parts.entries()) {
    await pause(paceMs / parts.length);
    if ((await files.read(page)).includes(part)) continue;
    await files.edit(held, { file: page, added: part }, (before) => before + part);
    await report(
      held,
      Math.round((PAGE_PERCENT_MAX * (index + 1)) / parts.length),
      `${index + 1} of ${parts.length} parts`,
    );
  }
  await report(held, SHARED_PERCENT, "adds its row to the page that all share");
  const { row } = addCoverage("", result);
  await files.edit(held, { file: COVERAGE, added: row }, (before) => addCoverage(before, result).text);
  await files.commit(`Document ${module.name}`, [page, COVERAGE]);
  await files.release(held, [COVERAGE]);
  return result;
}

/** Joins the pages. The writers' reports came along with the task. */
async function joinPages(held: Held) {
  const pages = held.dependencies.map(({ result }) => pageResult.parse(result));
  const text = writeIndex(pages);
  await files.edit(held, { file: INDEX, added: text }, () => text);
  await files.commit("Join the pages", [INDEX]);
  return { pages: pages.length };
}

async function report({ id, token }: Held, percent: number, note: string): Promise<void> {
  await baton.call("report_progress", { task: id, token, percent, note });
}
