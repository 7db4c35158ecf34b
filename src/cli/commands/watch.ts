import { setTimeout as after } from "node:timers/promises";
import { BatonError, hasCode } from "../../base/errors.js";
import { shownLine } from "../../base/texts/shown-text.js";
import type { ResultOf } from "../../tools/registry.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { UsageError } from "../failure.js";
import { askQuestion, openQuestions, speakerOf } from "../run/questions.js";
import { ago } from "../terminal/durations.js";
import { Interrupts } from "../terminal/interrupts.js";
import { Screen } from "../terminal/screen.js";
import { paint, type Style } from "../terminal/terminal.js";
import type { QuestionAnswer, TypedCall } from "../typed-calls.js";
import { active, projectLines, systemLine } from "./status.js";

type DeadLetter = ResultOf<"list_dead_letters">["dead_letters"][number];
type Lock = ResultOf<"list_file_locks">["locks"][number];

/** A thing that waits for the person: a question, or a task that has failed for good. */
type Waiting =
  | { readonly kind: "question"; readonly question: QuestionAnswer }
  | { readonly kind: "failed"; readonly letter: DeadLetter };

interface Overview {
  readonly system: ResultOf<"get_system_status">;
  readonly waiting: readonly Waiting[];
  readonly projects: readonly ResultOf<"get_project_status">[];
  readonly locks: readonly Lock[];
}

const LETTERS_SHOWN = 50;
const LOCKS_SHOWN = 10;
const LEAVES = new Set(["q", "ctrl-c", "escape"]);
const STEPS: Readonly<Record<string, number>> = { down: 1, j: 1, up: -1, k: -1 };
/** Between two looks, at least: a busy database commits hundreds of times a second. */
const PAUSE_MS = 250;

/** `baton watch`: one screen that follows every process, until q or Ctrl-C. */
export async function watch(context: CommandContext): Promise<CommandAnswer> {
  const { stdout, keys } = context;
  if (keys === undefined || !stdout.live)
    throw new UsageError("baton watch draws on a terminal. Elsewhere: baton status, or baton status --line.");
  const { app } = await context.open();
  const store = await app.store();
  const watcher = new Watcher(context, keys);
  const stop = store.onWake(() => watcher.wake());
  try {
    await watcher.run();
  } finally {
    stop();
    watcher.close();
  }
  return { data: {}, text: "" };
}

async function overview(call: TypedCall): Promise<Overview> {
  const system = await call("get_system_status", {});
  const questions = await openQuestions(call);
  const { dead_letters: letters } = await call("list_dead_letters", { status: "pending", limit: LETTERS_SHOWN });
  const projects = await active(call);
  const locks: Lock[] = [];
  for (const { project, locks: counts } of projects) {
    if (counts.held + counts.waiting === 0 || locks.length >= LOCKS_SHOWN) continue;
    locks.push(...(await call("list_file_locks", { project: project.id, limit: LOCKS_SHOWN })).locks);
  }
  const waiting: Waiting[] = [
    ...questions.map((question) => ({ kind: "question" as const, question })),
    ...letters.map((letter) => ({ kind: "failed" as const, letter })),
  ];
  return { system, waiting, projects, locks: locks.slice(0, LOCKS_SHOWN) };
}

class Watcher {
  readonly #context: CommandContext;
  readonly #keys: NonNullable<CommandContext["keys"]>;
  readonly #screen: Screen;
  readonly #interrupts = new Interrupts({ timeoutMs: undefined });
  readonly #stopResize: () => void;
  #stopKeys: (() => void) | undefined;
  #pressed: string[] = [];
  #isWoken = true;
  #nudge = (): void => {};
  /** The id of what is chosen: what waits moves up and down while others decide. */
  #chosen: string | undefined;
  #note = "";
  /** Whether the database could not be read at the last look. */
  #isAway = false;
  #seen: Overview | undefined;

  constructor(context: CommandContext, keys: NonNullable<CommandContext["keys"]>) {
    this.#context = context;
    this.#keys = keys;
    this.#screen = new Screen(context.stdout);
    this.#stopResize = context.stdout.onResize(() => this.#draw());
    this.#interrupts.signal.addEventListener("abort", () => this.#nudge(), { once: true });
  }

  /** Looks again soon: some process has committed. */
  wake(): void {
    this.#isWoken = true;
    this.#nudge();
  }

  /** Follows until the person leaves. */
  async run(): Promise<void> {
    this.#enter();
    while (!this.#interrupts.signal.aborted) {
      if (this.#isWoken) await this.#look();
      const key = this.#pressed.shift();
      if (key !== undefined && LEAVES.has(key)) return;
      if (key !== undefined) await this.#act(key);
      else if (!this.#isWoken) await this.#nudged();
    }
  }

  close(): void {
    this.#leave();
    this.#stopResize();
    this.#interrupts.close();
  }

  async #look(): Promise<void> {
    this.#isWoken = false;
    try {
      this.#show(await overview(this.#context.call));
      if (this.#isAway) this.#note = "";
      this.#isAway = false;
    } catch (error) {
      if (this.#seen === undefined || !hasCode(error, "unavailable")) throw error;
      // The screen stays as it was until the database is there again.
      this.#isAway = true;
      this.#note = error instanceof Error ? error.message : "";
      this.#isWoken = true;
    }
    this.#draw();
    await after(PAUSE_MS);
  }

  #show(seen: Overview): void {
    const before = this.#place();
    this.#seen = seen;
    if (seen.waiting.some((one) => idOf(one) === this.#chosen)) return;
    const next = seen.waiting[Math.min(before, seen.waiting.length - 1)];
    // A key that was meant for what is gone is not for what stands in its place.
    if (this.#chosen !== undefined) this.#pressed = this.#pressed.filter((key) => LEAVES.has(key));
    this.#chosen = next && idOf(next);
  }

  /** The place of the chosen one among what waits; 0 where nothing does. */
  #place(): number {
    return Math.max(0, this.#seen?.waiting.findIndex((one) => idOf(one) === this.#chosen) ?? 0);
  }

  #nudged(): Promise<void> {
    return new Promise((resolve) => (this.#nudge = resolve));
  }

  #enter(): void {
    this.#screen.enter();
    this.#stopKeys = this.#keys((key) => {
      this.#pressed.push(key);
      this.#nudge();
    });
  }

  #leave(): void {
    this.#stopKeys?.();
    this.#stopKeys = undefined;
    this.#screen.leave();
  }

  async #act(key: string): Promise<void> {
    const { waiting = [] } = this.#seen ?? {};
    const place = this.#place();
    const chosen = waiting[place];
    this.#note = "";
    const beside = waiting[place + (STEPS[key] ?? 0)];
    if (beside !== undefined) this.#chosen = idOf(beside);
    if ((key === "return" || key === "d") && chosen?.kind === "question") await this.#decide(chosen.question);
    if (key === "p" && chosen?.kind === "failed") await this.#replay(chosen.letter);
    this.#draw();
  }

  /** Asks as `baton approve` does, below the screen that was there before. */
  async #decide(question: QuestionAnswer): Promise<void> {
    this.#leave();
    await askQuestion(this.#context, question, this.#interrupts.signal);
    this.#isWoken = true;
    this.#enter();
  }

  async #replay({ id, task }: DeadLetter): Promise<void> {
    try {
      await this.#context.call("replay_dead_letter", { id });
      this.#note = `${task.key} is tried again`;
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      this.#note = error.message;
    }
    this.#isWoken = true;
  }

  #draw(): void {
    if (this.#seen === undefined) return;
    const { stdout, host } = this.#context;
    const chosen = this.#place();
    const lines = linesOf(this.#seen, { chosen, style: stdout.style, now: host.now() });
    const keys = "j/k choose · enter decide · p try again · q leave";
    const foot = this.#note === "" ? keys : `${shownLine(this.#note)} · ${keys}`;
    this.#screen.draw(lines, { foot, place: chosen === 0 ? 0 : LINES_ABOVE + chosen });
  }
}

function idOf(one: Waiting): string {
  return one.kind === "question" ? one.question.id : one.letter.id;
}

/** Lines over those of what waits. */
const LINES_ABOVE = 3;

interface Drawing {
  /** The place among what waits. */
  readonly chosen: number;
  readonly style: Style;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

function linesOf({ system, waiting, projects, locks }: Overview, { chosen, style, now }: Drawing): string[] {
  const needed = waiting.map((one, at) => waitingLine(one, { isChosen: at === chosen, style, now }));
  return [
    systemLine(system),
    "",
    paint(`Needs you: ${waiting.length === 0 ? "nothing" : waiting.length}`, "bold", style),
    ...needed,
    ...projects.flatMap((project) => projectLines(project, { style, now })),
    ...(projects.length === 0 ? ["", "Nothing is running."] : []),
    ...(locks.length === 0 ? [] : ["", paint("Files", "bold", style), ...locks.map((lock) => lockLine(lock, style))]),
  ];
}

function waitingLine(one: Waiting, { isChosen, style, now }: Omit<Drawing, "chosen"> & { isChosen: boolean }): string {
  const mark = isChosen ? ">" : " ";
  if (one.kind === "question") {
    const { question } = one;
    return `${mark} ${paint(speakerOf(question), "yellow", style)} asks: ${shownLine(question.ask)}`;
  }
  const { task, error, created_at: at } = one.letter;
  const since = ago(now - Date.parse(at));
  return `${mark} ${paint(task.key, "red", style)} failed ${since}: ${shownLine(error.message)} (${task.run})`;
}

function lockLine({ path, agent, state, mode }: Lock, style: Style): string {
  const doing = state === "held" ? "holds" : paint("waits for", "yellow", style);
  return `  ${agent} ${doing} ${path}${mode === "exclusive" ? "" : ` (${mode})`}`;
}
