// A worker: claims a module, reads its files, writes its page, adds its row to the page that all share.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { Agent, type Held, STALLED_PERCENT } from "./agent.js";
import { addCoverage, writePage } from "../show/pages.js";
import { readSource, type SourceFile } from "./source.js";

const COVERAGE = "COVERAGE.md";
/** How often a worker says how far it is. */
const REPORTS = 4;
/** Share of a task's pause spent on the shared page: long enough that another worker comes to wait for it. */
const SHARED_PART = 0.2;

const planInputs = z.object({ pages: z.string(), modules: z.record(z.string(), z.array(z.string())) });

const { agent, go } = await Agent.start();
const { place, pace_ms: paceMs, stall_at: stallAt } = agent.orders;
if (go.run === undefined) throw new Error("a worker is told the run to work in");

let begun = 0;
await agent.work(go.run, "writer", writeModule);
await agent.leave();

async function writeModule(held: Held) {
  begun += 1;
  const inputs = planInputs.parse(held.inputs);
  const modules = Object.entries(inputs.modules).map(([name, files]) => ({ name, files }));
  const module = modules.find(({ name }) => name === held.key);
  if (!module) throw new Error(`the plan knows no module ${held.key}`);
  const directory = path.join(place.repository, inputs.pages);
  await mkdir(directory, { recursive: true });
  const sources = await readSources(held, module.files);
  const { text, result } = writePage({ module, sources, modules });
  if (begun === stallAt) return stall(held, path.join(directory, result.page), text);
  await writeFile(path.join(directory, result.page), text);
  await agent.withLock(held, `${inputs.pages}/${COVERAGE}`, async () => {
    const file = path.join(directory, COVERAGE);
    const before = await readIfThere(file);
    // Between reading and writing is where an unlocked row would be lost.
    await pause(paceMs * SHARED_PART);
    await writeFile(file, addCoverage(before, result));
  });
  return result;
}

/** Reads file by file, and says now and then how far it is. */
async function readSources(held: Held, files: readonly string[]): Promise<SourceFile[]> {
  const sources: SourceFile[] = [];
  const step = Math.ceil(files.length / REPORTS);
  for (const [index, file] of files.entries()) {
    if (index % step === 0) {
      await agent.report(held, Math.round((100 * index) / files.length), `reads ${file}`);
      await pause((paceMs * (1 - SHARED_PART)) / Math.ceil(files.length / step));
    }
    sources.push(readSource(place.repository, file));
  }
  return sources;
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

/** Half a page, and then no sign of life any more: the moment at which the demo kills this process. */
async function stall(held: Held, page: string, text: string): Promise<never> {
  await writeFile(page, text.slice(0, text.length / 2));
  await agent.report(held, STALLED_PERCENT, `has half of ${path.basename(page)}`);
  return new Promise<never>(() => {});
}
