import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PAGES } from "./show/pages.js";
import { seconds, type Stint, type Story } from "./story.js";
import type { Place } from "./team/baton.js";
import type { Edit, Refusal } from "./team/orders.js";

/** From the last new connection to the task being worked on again, at most, without what the machine held up. */
const BACK_MS_MAX = 15_000;
const COMMIT_MARK = "\u0001";

/** One thing that must hold at the end. */
export interface Finding {
  readonly holds: boolean;
  readonly text: string;
}

/** A task that was held when everything was killed, and how it went on. */
export interface Recovery {
  readonly lost: Stint & { readonly killedAt: number };
  /** The agent that went on with it: the same one, or one that took it over; undefined where it never went on. */
  readonly by: string | undefined;
  /** From the restart on: while nothing runs, nothing can go on. */
  readonly took_ms: number;
}

export function recoveriesOf({ stints, restartedAt }: Story): Recovery[] {
  return stints.flatMap((lost) => {
    const { killedAt, resumedAt } = lost;
    if (killedAt === undefined) return [];
    const next = stints.find(({ key, attempt }) => key === lost.key && attempt > lost.attempt);
    const back = resumedAt === undefined ? { by: next?.agent, at: next?.from } : { by: lost.agent, at: resumedAt };
    return [{ lost: { ...lost, killedAt }, by: back.by, took_ms: (back.at ?? Infinity) - restartedAt }];
  });
}

/** Evidence for the verdict: the repository, the history, the clients' reports, and the result of the plan's own check. */
export interface Evidence {
  readonly place: Place;
  readonly story: Story;
  readonly edits: readonly Edit[];
  readonly refusals: readonly Refusal[];
  /** For how long the machine held the demo up meanwhile. */
  readonly heldUpMs: number;
  readonly check: { readonly exit_code: number; readonly output_tail: string } | undefined;
}

/** Judges by the history, by git and by the files, whether all went as it must. */
export async function judge({ place, story, edits, refusals, heldUpMs, check }: Evidence): Promise<Finding[]> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)("git", args, { cwd: place.repository, maxBuffer: 64 * 1024 * 1024 })).stdout;
  const commits = commitsOf(await git("log", `--format=${COMMIT_MARK}%s`, "--name-only", "HEAD", "--not", "start"));
  const texts = new Map<string, string>();
  for (const file of new Set(edits.map((edit) => edit.file))) texts.set(file, await git("show", `HEAD:${file}`));
  const leftover = (await git("status", "--porcelain")).trim();
  return [
    {
      holds: story.status === "succeeded" && story.total > 0 && story.done === story.total,
      text: `the run has ${story.status}, ${story.done} of ${story.total} tasks done`,
    },
    ...recoveriesOf(story).map((recovery) => recovered(recovery, heldUpMs + story.connectedAt - story.restartedAt)),
    {
      holds: refusals.length > 0,
      text: `${refusals.length} calls that would have touched another's files were refused by the clients' hooks`,
    },
    allKept(edits, texts),
    nothingTwice(story, commits),
    ownFilesOnly(commits),
    { holds: leftover === "", text: leftover === "" ? "nothing is left uncommitted" : `uncommitted: ${leftover}` },
    { holds: check?.exit_code === 0, text: `the plan's own last step: ${check?.output_tail.trim() ?? "nothing"}` },
  ];
}

interface Commit {
  readonly subject: string;
  readonly files: readonly string[];
}

function commitsOf(log: string): Commit[] {
  return log
    .split(COMMIT_MARK)
    .slice(1)
    .map((entry) => {
      const [subject = "", ...files] = entry.split("\n").filter((line) => line !== "");
      return { subject, files };
    });
}

/** An edit that a client saw reach the disk stands in the last commit, once. */
function allKept(edits: readonly Edit[], texts: ReadonlyMap<string, string>): Finding {
  const gone = edits.filter(({ file, text }) => texts.get(file)?.split(text).length !== 2);
  const [first] = gone;
  return {
    holds: edits.length > 0 && first === undefined,
    text:
      first === undefined
        ? `nobody's edit was lost: ${edits.length} edits were made, each stands once in the last commit`
        : `${gone.length} of ${edits.length} edits are not there once, the first by ${first.client} in ${first.file}`,
  };
}

function nothingTwice({ stints }: Story, commits: readonly Commit[]): Finding {
  const times = new Map<string, number>();
  const count = (what: string) => times.set(what, (times.get(what) ?? 0) + 1);
  for (const { key, outcome } of stints) if (outcome === "succeeded") count(key);
  for (const { subject } of commits) count(subject);
  const twice = [...times].filter(([, number]) => number > 1).map(([what]) => what);
  return {
    holds: commits.length > 0 && twice.length === 0,
    text:
      twice.length === 0
        ? `nothing was done twice: one success for each task, one commit for each page`
        : `done twice: ${twice.join(", ")}`,
  };
}

/** A client commits while others' pages lie half written beside its own. */
function ownFilesOnly(commits: readonly Commit[]): Finding {
  const mixed = commits.filter(({ subject, files }) => files.some((file) => !isOwn(subject, file)));
  return {
    holds: commits.length > 0 && mixed.length === 0,
    text: `${commits.length - mixed.length} of ${commits.length} commits hold their own task's files and nobody else's`,
  };
}

function isOwn(subject: string, file: string): boolean {
  const name = subject.replace(/^Document /, "");
  const own = name === subject ? ["README"] : [name, "COVERAGE"];
  return own.some((page) => file === `${PAGES}/${page}.md`);
}

function recovered({ lost, by, took_ms: tookMs }: Recovery, delayMs: number): Finding {
  if (by === undefined) return { holds: false, text: `${lost.key} was never gone on with after the kill` };
  const went = by === lost.agent ? "had it back" : "took it over";
  const late = tookMs - delayMs > BACK_MS_MAX ? `: too late, all had started after ${seconds(delayMs)}` : "";
  return {
    holds: late === "",
    text: `${lost.key}: ${by} ${went} ${seconds(tookMs)} after the restart${late}`,
  };
}
