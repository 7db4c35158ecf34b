import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { seededRandom, type Random } from "../../../src/runtime/random.js";

/** The answer of a guard to a command line: undefined lets it run. */
export interface Denial {
  /** The same command for the session's own paths alone, if there is one. */
  readonly instead: string | undefined;
}

export interface Guard {
  /** Before a command line. */
  readonly command: (call: {
    readonly command: string;
    readonly top: string;
    readonly session: string;
  }) => Promise<Denial | undefined>;
  /** Before an edit of a file. Returns whether it may be made. */
  readonly edit: (call: { readonly file: string; readonly top: string; readonly session: string }) => Promise<boolean>;
  /** After a commit of a session. */
  readonly committed: (call: { readonly top: string; readonly session: string }) => Promise<void>;
}

export interface Outcome {
  /** Contents of the other session that left the work tree, or its stash, by a command of a session. */
  readonly lost: readonly string[];
  /** Files of the other session that came into a session's commit. */
  readonly taken: readonly string[];
  readonly denied: number;
  /** Commands that a guard offered instead, and git carried out. */
  readonly narrowed: number;
  readonly commits: number;
}

/** A content that a session wrote and has not committed. */
interface Item {
  readonly session: string;
  readonly content: string;
  place: "work tree" | "stash";
}

const SESSIONS = ["a", "b"] as const;
const FILES = ["a.txt", "b.txt", "c.txt", "src/d.txt", "src/e.txt", "src/f.txt", "docs/g.txt", "docs/h.txt"];
const SLICE_MAX = 4;

/** Commands as agents write them. `own` are the session's changed paths, never empty. */
const COMMANDS: readonly ((own: string, message: string) => string)[] = [
  () => "git add -A",
  () => "git add .",
  () => "cd src && git add .",
  (own) => `git add ${own}`,
  (own, message) => `git add ${own} && git commit -m "${message}"`,
  (_, message) => `git add -A && git commit -m "$(cat <<'EOF'\n${message}\nEOF\n)"`,
  (_, message) => `git commit -am '${message}'`,
  (own, message) => `git add ${own} && git commit -m '${message}' -- ${own}`,
  () => "git stash",
  () => "git stash -u",
  (own) => `git stash push -m wip -- ${own}`,
  () => "git stash pop",
  () => "git stash apply && git stash drop",
  () => "git checkout .",
  (own) => `git checkout -- ${own}`,
  () => "git restore --staged --worktree .",
  () => "git reset --hard",
  () => "git reset -q && git status --short",
  () => "git clean -fd",
  () => "git rm -r -q -f src",
  () => "sed -i 's/^/  /' src/*.txt",
  () => "rm -rf docs",
];

/** Two sessions in one clone, which follow the rule to edit no file the other has open, and share its index, stash and work tree. */
export async function twoSessions(seed: number, steps: number, guard: Guard | undefined): Promise<Outcome> {
  const history = new History(seed, guard);
  try {
    for (let step = 0; step < steps; step++) await history.step(step);
    return history.outcome;
  } finally {
    history.remove();
  }
}

class History {
  readonly #top = realpathSync(mkdtempSync(path.join(tmpdir(), "baton-two-")));
  readonly #random: Random;
  readonly #guard: Guard | undefined;
  /** By path. */
  readonly #items = new Map<string, Item>();
  readonly #lost: string[] = [];
  readonly #taken: string[] = [];
  #counts = { denied: 0, narrowed: 0, commits: 0 };
  #head: string;
  #stash = "";

  constructor(seed: number, guard: Guard | undefined) {
    this.#random = seededRandom(seed);
    this.#guard = guard;
    this.#run(
      "git init -q -b main && git config user.name a && git config user.email a@example.org && git config gc.auto 0",
    );
    for (const file of FILES.slice(0, 6)) this.#write(file, "first\n");
    this.#run("git add -A && git commit -q -m first");
    this.#head = this.#ref("refs/heads/main");
  }

  get outcome(): Outcome {
    return { lost: this.#lost, taken: this.#taken, ...this.#counts };
  }

  remove(): void {
    rmSync(this.#top, { recursive: true, force: true });
  }

  async step(step: number): Promise<void> {
    const session = this.#pick(SESSIONS);
    const own = [...this.#items].filter(([, item]) => item.session === session).map(([file]) => file);
    if (own.length === 0 || this.#random.next() < 0.5) {
      await this.#edit(session, step);
      return;
    }
    const slice = own.slice(0, SLICE_MAX).join(" ");
    await this.#command(session, this.#pick(COMMANDS)(slice, `${session} ${step}`));
  }

  async #edit(session: string, step: number): Promise<void> {
    const file = this.#pick(FILES);
    const holder = this.#items.get(file)?.session;
    const isOthers = holder !== undefined && holder !== session;
    // Without a guard the sessions keep to the rule that no one edits what the other has open.
    const may =
      this.#guard === undefined
        ? !isOthers
        : await this.#guard.edit({ file: path.join(this.#top, file), top: this.#top, session });
    if (isOthers && may) this.#lost.push(`${file} of ${holder} by an edit`);
    if (isOthers || !may) return;
    const content = `${session} ${step}\n`;
    this.#write(file, content);
    this.#items.set(file, { session, content, place: "work tree" });
  }

  async #command(session: string, command: string): Promise<void> {
    const denial = await this.#guard?.command({ command, top: this.#top, session });
    if (denial === undefined) {
      await this.#runAs(session, command);
      return;
    }
    this.#counts.denied += 1;
    if (denial.instead === undefined) return;
    const again = await this.#guard?.command({ command: denial.instead, top: this.#top, session });
    if (again !== undefined) throw new Error(`Instead of ${command} the guard offers ${denial.instead}, and denies it`);
    if ((await this.#runAs(session, denial.instead)) === 0) this.#counts.narrowed += 1;
  }

  /** Returns git's exit code. */
  async #runAs(session: string, command: string): Promise<number | null> {
    const { commits } = this.#counts;
    const code = this.#run(command);
    this.#compare(session, command);
    if (this.#counts.commits > commits) await this.#guard?.committed({ top: this.#top, session });
    return code;
  }

  /** Compares what each session wrote with what is there after a command of one of them. */
  #compare(by: string, command: string): void {
    this.#compareCommits(by, command);
    this.#compareStash();
    for (const [file, item] of this.#items) {
      const inTree = this.#read(file) === item.content;
      const isThere = item.place === "work tree" ? inTree : this.#isStashed(file, item.content);
      if (isThere) continue;
      const isElsewhere = item.place === "stash" ? inTree : this.#isStashed(file, item.content);
      if (item.session !== by) this.#lost.push(`${file} of ${item.session} by ${command}`);
      if (item.session === by && isElsewhere) item.place = item.place === "stash" ? "work tree" : "stash";
      else this.#items.delete(file);
    }
    // A stash that came back with conflicts blocks every commit: a session puts that right first.
    if (this.#output("git ls-files -u") !== "") this.#run("git reset -q");
  }

  #compareCommits(by: string, command: string): void {
    const head = this.#ref("refs/heads/main");
    if (head === this.#head) return;
    this.#counts.commits += 1;
    for (const file of this.#output(`git diff --name-only --no-renames ${this.#head} ${head}`).split("\n")) {
      const item = this.#items.get(file);
      if (item === undefined) continue;
      if (item.session !== by) this.#taken.push(`${file} of ${item.session} by ${command}`);
      this.#items.delete(file);
    }
    this.#head = head;
  }

  #stashes: readonly string[] = [];

  #compareStash(): void {
    const stash = this.#ref("refs/stash");
    if (stash === this.#stash) return;
    this.#stash = stash;
    this.#stashes = stash === "" ? [] : this.#output("git log -g --format=%H refs/stash").split("\n");
  }

  /** Whether a stash holds a content of a path. */
  #isStashed(file: string, content: string): boolean {
    return this.#stashes.some((stash) => {
      const show = `git show ${stash}:${file} 2>/dev/null || git show ${stash}^3:${file}`;
      return `${this.#output(show)}\n` === content;
    });
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random.next() * from.length)]!;
  }

  #write(file: string, content: string): void {
    mkdirSync(path.dirname(path.join(this.#top, file)), { recursive: true });
    writeFileSync(path.join(this.#top, file), content);
  }

  #read(file: string): string | undefined {
    const place = path.join(this.#top, file);
    return existsSync(place) ? readFileSync(place, "utf8") : undefined;
  }

  #ref(name: string): string {
    const file = path.join(this.#top, ".git", name);
    return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  }

  #run(command: string): number | null {
    return spawnSync("bash", ["-c", command], { cwd: this.#top, stdio: "ignore" }).status;
  }

  #output(command: string): string {
    return spawnSync("bash", ["-c", command], {
      cwd: this.#top,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).stdout.trim();
  }
}
