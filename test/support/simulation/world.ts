import { isDeepStrictEqual } from "node:util";
import { ManualClock } from "../../../src/runtime/clock.js";
import { sortableIds } from "../../../src/runtime/ids.js";
import { seededRandom } from "../../../src/runtime/random.js";
import { int } from "../../../src/store/rows.js";
import type { Store } from "../../../src/store/tx.js";
import type { InputOf, OperationName, ResultOf } from "../../../src/tools/registry.js";
import { registerTarget } from "../../../src/engine/notifications/collecting.js";
import { TARGET } from "../checker/together/deliveries.js";
import { type Acknowledged, acknowledgedBy } from "../checker/journal.js";
import { Draw } from "../draw.js";
import { CAPABILITIES, CHILD_WORKFLOW, randomDefinition, ROLES } from "../fixtures/random-graph.js";
import { SimulatedProcess } from "./process.js";

export interface WorldOptions {
  readonly seed: number;
  /** The SQLite file or the postgres:// URL, empty. */
  readonly database: string;
  readonly cwd: string;
  /** The probability of a fault at each statement; 0 for a history that both databases can repeat. */
  readonly faultRate: number;
}

/** An agent, at one of the processes, with what it believes to hold. */
export interface Player {
  readonly name: string;
  process: SimulatedProcess;
  readonly held: { task: string; token: number; run: string }[];
}

const PROJECT = "world";

/** Agents at several processes on one database, on one clock that only the history moves. */
export class World {
  readonly clock = new ManualClock();
  readonly draw: Draw;
  readonly journal: Acknowledged[] = [];
  readonly processes: readonly SimulatedProcess[];
  readonly players: readonly Player[];
  readonly runs: string[] = [];
  readonly tasks: string[] = [];
  /** Offers of tasks, with their addressees. */
  readonly handoffs: { id: string; to: Player; run: string }[] = [];
  /** Questions that were put. */
  readonly escalations: string[] = [];
  /** Approvals that were asked for. */
  readonly approvals: string[] = [];
  readonly figures = { calls: 0, refused: 0, unheard: 0 };
  readonly #faulty: boolean;
  #requests = 0;

  constructor({ seed, database, cwd, faultRate }: WorldOptions) {
    this.draw = new Draw(seededRandom(seed));
    this.#faulty = faultRate > 0;
    // Sources of their own: how often one is asked must not change what another gives.
    const runtime = { clock: this.clock, random: seededRandom(seed + 1), ids: sortableIds(seededRandom(seed + 2)) };
    const draw = new Draw(seededRandom(seed + 3));
    const deadLetterReplays = new Draw(seededRandom(seed + 4)).pick([0, 0, 1, 2]) ?? 0;
    const tempers = new Draw(seededRandom(seed + 5));
    const limits = { silenceMs: tempers.pick([900_000, 60_000, 20_000]), lossesMax: tempers.pick([5, 2, 1]) };
    const options = { database, cwd, runtime, draw, faultRate, deadLetterReplays, ...limits };
    // The first does the background work.
    this.processes = Array.from({ length: this.draw.int(1, 3) }, (_, at) => {
      return new SimulatedProcess({ ...options, sessionless: at > 0 && this.draw.chance(0.3) });
    });
    this.players = Array.from({ length: this.draw.int(2, 5) }, (_, at) => ({
      name: `agent-${at}`,
      process: this.anyProcess(),
      held: [],
    }));
  }

  anyProcess(): SimulatedProcess {
    return this.draw.pick(this.processes) as SimulatedProcess;
  }

  anyPlayer(): Player {
    return this.draw.pick(this.players) as Player;
  }

  async begin(cwd: string): Promise<void> {
    for (const process of this.processes) process.faults = false;
    // By handles: worlds have few connections, and a task is to be left that another agent may take.
    await this.must("create_project", { name: PROJECT, root: cwd, config: { reviewers: "handle" } });
    await this.must("create_workflow", { ...WHERE, name: CHILD_WORKFLOW, definition: this.#childDefinition() });
    for (const { name } of this.players) {
      const offers = { roles: this.draw.some(ROLES, 0.5), capabilities: this.draw.some(CAPABILITIES, 0.5) };
      await this.must("register_agent", { name, ...offers, max_concurrent_tasks: this.draw.int(1, 3) });
    }
    // The target is there before the first event that it is told of.
    await this.processes[0]?.work((engine) => engine.transact((ctx) => registerTarget(ctx, TARGET)));
    for (const process of this.processes) process.faults = this.#faulty;
  }

  /**
   * The definition that workflow steps of random graphs run. One of its steps may run it again: more of them would be a
   * thousand runs.
   */
  #childDefinition(): Record<string, unknown> {
    const definition = randomDefinition(this.draw, { sizeMax: 5, dynamic: 0.2 });
    let calls = 0;
    const steps = (definition["steps"] as Record<string, unknown>[]).map((step) => {
      if (step["kind"] !== "workflow") return step;
      const { for_each: _, ...once } = step;
      return (calls += 1) === 1 ? once : { ...once, kind: "wait", workflow: undefined, for: 1_000 };
    });
    return { ...definition, name: CHILD_WORKFLOW, steps: JSON.parse(JSON.stringify(steps)) };
  }

  /** A person's call, which must succeed. */
  async must<N extends OperationName>(name: N, input: InputOf<N>): Promise<ResultOf<N>> {
    const answer = await this.may("", name, input);
    if (answer === undefined) throw new Error(`${name} had to succeed`);
    return answer;
  }

  /** A person's call, which may be refused with one code: undefined then. */
  async may<N extends OperationName>(code: string, name: N, input: InputOf<N>): Promise<ResultOf<N> | undefined> {
    const told = await this.anyProcess().call(name, input);
    if ("refused" in told && told.refused.code === code) return undefined;
    if (!("answer" in told)) throw new Error(`${name} had to succeed: ${JSON.stringify(told)}`);
    this.#remember({ name, agent: "person", input }, told.answer);
    return told.answer;
  }

  /**
   * A player's call. Who hears nothing asks again under the same request id, where it has one, or goes on without
   * knowing. Undefined without an answer.
   */
  async call<N extends OperationName>(player: Player, name: N, given: InputOf<N>): Promise<ResultOf<N> | undefined> {
    const { draw } = this;
    const requestId = draw.chance(0.6) ? `${player.name}-${++this.#requests}` : undefined;
    const acting = name === "assign_task" ? {} : { agent: player.name };
    const input = { ...acting, ...given, ...(requestId === undefined ? {} : { request_id: requestId }) };
    for (let tries = 0; tries < 5; tries++) {
      this.figures.calls += 1;
      const told = await player.process.call(name, input);
      if ("answer" in told) {
        this.#remember({ name, agent: player.name, input }, told.answer);
        if (requestId !== undefined && draw.chance(0.1))
          await this.#again(player, { name, input, answer: told.answer });
        return told.answer;
      }
      if ("refused" in told) {
        this.figures.refused += 1;
        if (told.refused.code === "unavailable") throw told.refused;
        return undefined;
      }
      this.figures.unheard += 1;
      // A client connects anew, perhaps to another process.
      if (told.silence === "crashed" && draw.chance(0.3)) player.process = this.anyProcess();
      if (requestId === undefined || draw.chance(0.2)) return undefined;
    }
    return undefined;
  }

  /** The same request again has the same answer and changes nothing. */
  async #again<N extends OperationName>(
    player: Player,
    { name, input, answer }: { name: N; input: InputOf<N>; answer: ResultOf<N> },
  ): Promise<void> {
    if (!["complete_task", "fail_task", "release_task", "create_task", "execute_workflow"].includes(name)) return;
    const told = await player.process.call(name, input);
    if ("silence" in told || ("answer" in told && isDeepStrictEqual(told.answer, answer))) return;
    throw new Error(`${name} again under its request id: ${JSON.stringify(told)}, was ${JSON.stringify(answer)}`);
  }

  #remember(call: Parameters<typeof acknowledgedBy>[0], answer: Record<string, unknown>): void {
    for (const entry of acknowledgedBy(call, answer)) {
      this.journal.push(entry);
      if (entry.kind === "run") this.runs.push(entry.run);
      if (entry.kind === "task") this.tasks.push(entry.task);
    }
    if (call.name === "execute_workflow") this.tasks.push(...(answer["ready"] as { id: string }[]).map(({ id }) => id));
  }

  async close(): Promise<void> {
    // A fault at the end would hide what was found before.
    for (const process of this.processes) process.faults = false;
    for (const process of this.processes) await process.close();
  }
}

/** How much there is left to do. */
export function openTasks(store: Store): Promise<number> {
  return store.read(function* () {
    const [tasks] = yield [
      "SELECT count(*) AS open FROM tasks WHERE status IN ('pending', 'ready', 'running', 'waiting', 'in_review')",
    ];
    // A run without an open task may still be about to undo what it did.
    const [runs] = yield ["SELECT count(*) AS open FROM runs WHERE ended_at IS NULL AND kind = 'workflow'"];
    return [tasks, runs].reduce((sum, row) => sum + (row === undefined ? 0 : int(row, "open")), 0);
  });
}

export const WHERE = { project: PROJECT } as const;
