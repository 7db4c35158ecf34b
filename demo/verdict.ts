import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { Place } from "./team/baton.js";
import { coverageRows } from "./show/pages.js";
import { seconds, type Stint, type Story } from "./story.js";

/** From the kill to the task running again elsewhere, at most, without what the machine held up. */
const TAKEOVER_MS_MAX = 15_000;

/** One thing that must hold at the end. */
export interface Finding {
  readonly holds: boolean;
  readonly text: string;
}

/** The attempt that died with its agent, and the one that went on. */
export interface Recovery {
  readonly lost: Stint & { readonly killedAt: number };
  readonly next: Stint | undefined;
  /** From the kill to the next claim. */
  readonly took_ms: number;
}

export function recoveryOf({ stints }: Story): Recovery | undefined {
  for (const lost of stints) {
    const { killedAt } = lost;
    if (killedAt === undefined) continue;
    const next = stints.find(({ key, agent, from }) => key === lost.key && agent !== lost.agent && from >= killedAt);
    return { lost: { ...lost, killedAt }, next, took_ms: (next?.from ?? Infinity) - killedAt };
  }
  return undefined;
}

/** Evidence for the verdict: the files, the history, and the result of the plan's own check. */
export interface Evidence {
  readonly place: Place;
  readonly story: Story;
  /** For how long the machine held the demo up meanwhile. */
  readonly heldUpMs: number;
  readonly check: { readonly exit_code: number; readonly output_tail: string } | undefined;
}

/** Whether all went as it must; `links` is what the check said. */
export async function judge({
  place,
  story,
  heldUpMs,
  check,
}: Evidence): Promise<{ findings: Finding[]; links: string }> {
  const pages = path.join(place.repository, "docs/api");
  const keys = [...new Set(story.stints.map(({ key }) => key))];
  const modules = keys.filter((key) => key !== "index" && key !== "check-links");
  const texts = await Promise.all(modules.map((key) => textOf(path.join(pages, `${key}.md`))));
  const whole = texts.filter((text) => text.trimEnd().endsWith("(README.md)")).length;
  const rows = coverageRows(await textOf(path.join(pages, "COVERAGE.md"))).length;
  const twice = keys.filter(
    (key) => story.stints.filter((one) => one.key === key && one.to && one.outcome === "succeeded").length > 1,
  );
  const recovery = recoveryOf(story);
  const checked = await checkLinks(place, pages);
  const findings = [
    {
      holds: story.status === "succeeded",
      text: `the run has ${story.status}, ${story.done} of ${story.total} tasks done`,
    },
    {
      holds: story.total > 0 && twice.length === 0 && story.done === story.total,
      text: "no task was lost or done twice",
    },
    recovered(recovery, heldUpMs),
    { holds: whole === modules.length && whole > 0, text: `${whole} of ${modules.length} pages are there and whole` },
    {
      holds: rows === modules.length,
      text: `${rows} of ${modules.length} rows stand in the page that all workers share`,
    },
    { holds: check?.exit_code === 0, text: `the server's own check says: ${check?.output_tail.trim() ?? "nothing"}` },
    { holds: checked.good, text: `checked again from here: ${checked.said}` },
  ];
  return { findings, links: checked.said };
}

function recovered(recovery: Recovery | undefined, heldUpMs: number): Finding {
  if (!recovery) return { holds: false, text: "no worker was killed while it held a task" };
  const { lost, next, took_ms: tookMs } = recovery;
  if (!next) return { holds: false, text: `nobody took ${lost.key} over after ${lost.agent} was killed` };
  const holds = tookMs - heldUpMs <= TAKEOVER_MS_MAX && next.outcome === "succeeded";
  const standstill = heldUpMs < 1_000 ? "" : `, of which the machine stood still for ${seconds(heldUpMs)}`;
  return {
    holds,
    text: `${lost.key} was taken over ${seconds(tookMs)} after its worker was killed (at most ${seconds(TAKEOVER_MS_MAX)})${standstill}`,
  };
}

/** The same check as the plan's last step, made once more from outside. */
async function checkLinks(place: Place, pages: string): Promise<{ good: boolean; said: string }> {
  const script = path.join(place.home, "scripts/check-links.mjs");
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, pages]);
    return { good: true, said: stdout.trim() };
  } catch (error) {
    if (error instanceof Error && "stdout" in error) return { good: false, said: String(error.stdout).trim() };
    throw error;
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
