// The planner: lists the modules, submits the workflow, and joins the pages once all are there.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { Agent, type Held, tell } from "./agent.js";
import { listModules, type Module } from "./modules.js";
import { pageResult, writeIndex } from "../show/pages.js";

const PAGES = "docs/api";
const FILE_MS = 200;

const { agent } = await Agent.start();
const { place, modules_max: modulesMax, name } = agent.orders;

// A short demo takes the smallest, so that there is as much to wait for but less to do.
const modules = listModules(place.repository)
  .toSorted((a, b) => a.files.length - b.files.length)
  .slice(0, modulesMax);

const given = { definition: definitionOf(modules), inputs: inputsOf(modules), agent: name };
const { run } = await agent.baton.call("execute_workflow", given);
tell({ kind: "planned", run: run.id });
await agent.work(run.id, "editor", joinPages);
await agent.leave();

/** A page for each module, an index that needs them all, and a command that checks every link. */
function definitionOf(planned: readonly Module[]) {
  const pages = planned.map(({ name: key, files }) => ({
    key,
    title: `Write ${key}.md`,
    role: "writer",
    prompt: `Write ${PAGES}/${key}.md from the exports and doc comments of ${files.join(", ")}.`,
    files: { write: [`${PAGES}/${key}.md`] },
    estimate_ms: files.length * FILE_MS,
  }));
  const index = {
    key: "index",
    title: "Join the pages",
    role: "editor",
    prompt: `Write ${PAGES}/README.md: all modules, who uses whom.`,
    needs: planned.map(({ name: key }) => key),
    files: { write: [`${PAGES}/README.md`] },
  };
  const check = {
    key: "check-links",
    title: "Check every link",
    kind: "command",
    run: "node scripts/check-links.mjs",
    needs: ["index"],
  };
  return {
    name: "document-modules",
    inputs: {
      pages: { type: "string", description: "Where the pages go." },
      modules: { type: "object", description: "The files of each module." },
    },
    steps: [...pages, index, check],
  };
}

function inputsOf(planned: readonly Module[]) {
  return { pages: PAGES, modules: Object.fromEntries(planned.map(({ name: key, files }) => [key, files])) };
}

/** Joins the pages. The writers' reports came along with the task. */
async function joinPages({ dependencies, key }: Held) {
  const pages = dependencies.map(({ result }) => pageResult.parse(result));
  await writeFile(path.join(place.repository, PAGES, "README.md"), writeIndex(pages));
  return { key, pages: pages.length };
}
