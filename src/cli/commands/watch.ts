import { setTimeout as after } from "node:timers/promises";
import { BatonError } from "../../base/errors.js";
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
  #chosen = 0;
  #note = "";
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
      if (key === "q" || key === "ctrl-c" || key === "escape") return;
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
    this.#seen = await overview(this.#context.call);
    this.#chosen = Math.max(0, Math.min(this.#chosen, this.#seen.waiting.length - 1));
    this.#draw();
    await after(PAUSE_MS);
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
    const chosen = waiting[this.#chosen];
    this.#note = "";
    if (key === "down" || key === "j") this.#chosen = Math.min(this.#chosen + 1, Math.max(0, waiting.length - 1));
    if (key === "up" || key === "k") this.#chosen = Math.max(this.#chosen - 1, 0);
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
    const lines = linesOf(this.#seen, { chosen: this.#chosen, style: stdout.style, now: host.now() });
    const keys = "j/k choose · enter decide · p try again · q leave";
    this.#screen.draw(lines, this.#note === "" ? keys : `${shownLine(this.#note)} · ${keys}`);
  }
}

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
