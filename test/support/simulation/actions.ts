import { CAPABILITIES, PATHS, randomDefinition, randomFields, randomTrigger, ROLES } from "../fixtures/random-graph.js";
import { artifact } from "./artifact-actions.js";
import { message } from "./message-actions.js";
import { notify } from "./notification-actions.js";
import { review } from "./review-actions.js";
import type { Draw } from "../draw.js";
import { type Player, WHERE, type World } from "./world.js";

const WEIGHTS = {
  claim: 30,
  end: 34,
  lock: 8,
  unlock: 5,
  advance: 8,
  sleep: 2,
  quiet: 2,
  runBackground: 8,
  control: 6,
  cancel: 3,
  assign: 4,
  create: 4,
  execute: 2,
  kill: 2,
  forget: 2,
  unregister: 1,
  signal: 2,
  deadLetters: 4,
  modify: 4,
  checkpoint: 3,
  budget: 4,
  handoff: 12,
  escalate: 14,
  recordUsage: 4,
  artifact: 8,
  review: 8,
  message: 18,
  notify: 8,
} as const;
type Action = keyof typeof WEIGHTS;

/** Performs one action in a world: an agent calls, time passes, a process dies. */
export async function act(world: World, weights: Readonly<Record<Action, number>> = WEIGHTS): Promise<void> {
  const player = world.anyPlayer();
  await ACTIONS[world.draw.weighted(weights)](world, player);
}

/** Without faults: what both databases can be made to repeat. */
export const PEACEFUL = { ...WEIGHTS, kill: 0 };

export async function execute(world: World, player: Player, sizeMax = 60): Promise<void> {
  const definition = randomDefinition(world.draw, { sizeMax, dynamic: world.draw.pick([0, 0.1, 0.4]), takers: 0.2 });
  await world.call(player, "execute_workflow", { ...WHERE, definition, ...randomBudget(world.draw, 0.3) });
}

/** Some are spent with the first task, some with none. */
function randomBudget(draw: Draw, share: number): { budget?: number } {
  return draw.chance(share) ? { budget: draw.pick([0.1, 1, 2.5, 10]) } : {};
}

/** Returns the usage of some attempts: sums that no binary fraction holds. */
function randomUsage(draw: Draw): { usage?: { cost: number } } {
  return draw.chance(0.4) ? { usage: { cost: draw.pick([0, 0.1, 0.3, 0.000001, 1.7]) } } : {};
}

const ACTIONS: Readonly<Record<Action, (world: World, player: Player) => Promise<void>>> = {
  claim,
  end,
  lock,
  unlock,
  control,
  cancel,
  assign,
  create,
  async advance({ clock, draw }) {
    clock.advance(draw.int(0, draw.pick([1_000, 10_000, 60_000, 60_000, 1_800_000])));
  },
  quiet,
  async sleep({ clock, draw }) {
    clock.sleep(draw.int(0, draw.pick([10_000, 3_600_000])));
  },
  async runBackground(world) {
    await world.anyProcess().runBackground();
  },
  async execute(world, player) {
    if (world.runs.length < 4) await execute(world, player);
  },
  async kill(_, player) {
    player.process.kill();
  },
  async forget(_, player) {
    player.held.length = 0;
  },
  async signal(world, player) {
    const run = world.draw.pick(world.runs);
    if (run !== undefined) await world.call(player, "signal", { run, event: world.draw.pick(["go", "stop"]) });
  },
  deadLetters,
  modify,
  checkpoint,
  budget,
  handoff,
  escalate,
  recordUsage,
  artifact,
  review,
  message,
  notify,
  async unregister(world, player) {
    await world.call(player, "unregister_agent", { agent: player.name });
  },
};

/** Time passes while all processes live, and one agent asks for work now and then: the others fall silent, and what the dead held is lost. */
async function quiet(world: World, player: Player): Promise<void> {
  for (let pass = world.draw.int(3, 6); pass > 0; pass--) {
    world.clock.advance(world.draw.int(5_000, 30_000));
    for (const process of world.processes) await process.runBackground();
    const how = world.draw.weighted({ claim: 50, lock: 25, nothing: 25 });
    if (how === "claim") await claim(world, player);
    if (how === "lock") await lock(world, player);
  }
}

async function claim(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const run = draw.chance(0.5) ? draw.pick(world.runs) : undefined;
  const where = run === undefined ? WHERE : { run };
  const offer = draw.chance(0.3) ? { roles: [...ROLES], requires: [...CAPABILITIES] } : {};
  const answer = await world.call(player, "claim_task", { ...where, ...offer, fresh: draw.chance(0.5) });
  if (answer?.outcome !== "claimed") return;
  const { id, run: of } = answer.task!;
  const { token } = answer.lease!;
  if (!player.held.some((held) => held.task === id && held.token === token))
    player.held.push({ task: id, token, run: of });
  world.tasks.push(id);
}

/** Ends or touches what the player believes to hold; now and then with a token that is not its own. */
async function end(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const held = draw.pick(player.held);
  if (held === undefined) return claim(world, player);
  const lease = { task: held.task, token: draw.chance(0.05) ? held.token + draw.int(-1, 2) : held.token };
  if (lease.token < 0) return;
  const how = draw.weighted({ complete: 50, fail: 20, hopeless: 5, release: 10, progress: 15 });
  if (how === "progress") {
    await world.call(player, "report_progress", { ...lease, percent: draw.int(0, 100) });
    return;
  }
  player.held.splice(player.held.indexOf(held), 1);
  if (how === "complete")
    await world.call(player, "complete_task", { ...lease, result: { by: player.name }, ...randomUsage(draw) });
  else if (how === "release") await world.call(player, "release_task", { ...lease, ...randomUsage(draw) });
  else
    await world.call(player, "fail_task", {
      ...lease,
      ...randomUsage(draw),
      error: { type: how === "fail" ? "broken" : how, message: "it is" },
    });
}

/** Deals with what could not be done, or gives something up. */
async function deadLetters(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const how = draw.weighted({ send: 20, replay: 40, resolve: 30, discard: 10 });
  const task = how === "send" ? anyTask(world) : undefined;
  if (task !== undefined) await world.call(player, "send_to_dead_letters", { task, reason: "enough" });
  if (how === "send") return;
  const answer = await world.call(player, "list_dead_letters", { ...WHERE, status: "pending", limit: 5 });
  const deadLetter = draw.pick(answer?.dead_letters ?? []);
  if (deadLetter === undefined) return;
  if (how === "replay") await world.call(player, "replay_dead_letter", { id: deadLetter.id });
  else await world.call(player, `${how}_dead_letter` as const, { id: deadLetter.id, notes: "so" });
}

/** Changes the graph of a run under way, in up to three ways at once. Many of them cannot be: then nothing may have changed. */
async function modify(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const run = draw.pick(world.runs);
  if (run === undefined) return;
  const changes = Array.from({ length: draw.int(1, 3) }, () => randomChange(draw));
  const expected = draw.chance(0.1) ? { expected_revision: draw.int(1, 3) } : {};
  await world.call(player, "modify_run", { run, changes, ...expected });
}

function randomChange(draw: Draw): Record<string, unknown> {
  const known = (): string => `s${draw.int(0, 12)}`;
  const step = (): Record<string, unknown> => ({ key: `n${draw.int(0, 1_000_000)}`, ...randomFields(draw) });
  const before = draw.chance(0.5) ? { before: [known()] } : {};
  const op = draw.weighted({
    add_task: 20,
    update_task: 10,
    remove_task: 15,
    add_dependency: 15,
    remove_dependency: 15,
    create_branch: 10,
    insert_gate: 10,
    parallelize: 5,
    reprioritize: 10,
  });
  switch (op) {
    case "add_task":
      return { op, step: { ...step(), ...(draw.chance(0.6) ? { needs: [known()] } : {}) }, ...before };
    case "update_task":
      return { op, task: known(), set: { title: "changed", ...randomFields(draw) } };
    case "remove_task":
      return { op, task: known() };
    case "add_dependency":
    case "remove_dependency":
      return { op, task: known(), on: known() };
    case "create_branch":
      // oxlint-disable-next-line unicorn/no-thenable -- the sides of a branch are called so, and nothing awaits it
      return { op, after: known(), if: draw.pick(["true", "false"]), then: [step()], else: [step()], ...before };
    case "insert_gate":
      return { op, after: known(), key: `g${draw.int(0, 1_000_000)}`, checks: [draw.pick(["true", "false"])] };
    case "parallelize":
      return { op, tasks: [known(), known(), known()] };
    case "reprioritize":
      return { op, priority: draw.pick(["critical", "low"]), ...(draw.chance(0.5) ? { tasks: [known()] } : {}) };
  }
}

/** Keeps how a run stands, or goes back to how one stood, or lets another begin there. */
async function checkpoint(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const run = draw.pick(world.runs);
  if (run === undefined) return;
  const how = draw.weighted({ create: 50, in_place: 35, fork: 15 });
  if (how === "create") {
    await world.call(player, "create_checkpoint", { run });
    return;
  }
  const answer = await world.call(player, "list_checkpoints", { run });
  const kept = draw.pick(answer?.checkpoints ?? []);
  if (kept === undefined || (how === "fork" && world.runs.length > 6)) return;
  const resumed = await world.call(player, "resume_from_checkpoint", { checkpoint: kept.id, as: how });
  if (how === "fork" && resumed) world.runs.push(resumed.run.id);
}

/** Raises, lowers, sets or removes what a run may cost, also one within another. */
async function budget(world: World, player: Player): Promise<void> {
  const { draw } = world;
  if (draw.chance(0.4)) return decideOverride(world, player);
  const run = draw.chance(0.3) ? draw.pick(player.held)?.run : draw.pick(world.runs);
  const shares = draw.chance(0.2) ? { warn_at: 0.5, block_at: draw.pick([0.5, 0.9, 1.5]) } : {};
  const wider = draw.pick([
    WHERE,
    { scope: "global" as const },
    { for_agent: draw.pick(world.players)?.name ?? player.name },
  ]);
  const target = draw.chance(0.3) ? wider : run && { run };
  if (target) await world.call(player, "set_budget", { ...target, limit: draw.pick([null, 0.2, 1, 5, 50]), ...shares });
}

/** Decides whether a budget that is spent is raised. */
async function decideOverride(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const told = await player.process.call("list_escalations", { tier: "human", limit: 200 });
  if (!("answer" in told)) return;
  const id = draw.pick(told.answer.escalations.filter(({ budget: asked }) => asked !== undefined))?.id;
  if (id === undefined) return;
  const amount = draw.pick([undefined, 0.1, 20]);
  const approval = { decision: "approved" as const, ...(amount !== undefined && { amount }) };
  await world.call(player, "decide_escalation", { id, ...(draw.chance(0.7) ? approval : { decision: "rejected" }) });
}

/** Reports the use of a model, also of a task or a run that has ended, or of none. */
async function recordUsage(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const run = draw.pick(world.runs);
  const about = draw.chance(0.3) ? WHERE : draw.chance(0.4) ? { task: draw.pick(player.held)?.task } : { run };
  const usage = draw.chance(0.5)
    ? { cost: draw.pick([0, 0.1, 0.000001]) }
    : { input_tokens: 1_000, output_tokens: 100 };
  await world.call(player, "record_usage", { ...about, model: draw.pick(["gpt-5", "nonesuch"]), ...usage });
}

/** Offers what an agent believes to hold to another, or answers an offer, now and then one that is not for the one that answers. */
async function handoff(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const held = draw.pick(player.held);
  const to = world.anyPlayer();
  if (held !== undefined && draw.chance(0.6)) {
    const lease = { task: held.task, token: held.token };
    const answer = await world.call(player, "request_handoff", { ...lease, to: to.name, reason: "yours" });
    if (answer) world.handoffs.push({ id: answer.handoff.id, to, run: held.run });
  }
  const offer = draw.pick(world.handoffs.slice(-5));
  if (offer === undefined || draw.chance(0.3)) return;
  const by = draw.chance(0.9) ? offer.to : player;
  const answer = await world.call(by, "respond_handoff", { handoff: offer.id, accept: draw.chance(0.7) });
  if (answer?.lease !== undefined && answer.task !== undefined)
    by.held.push({ task: answer.task.id, token: answer.lease.token, run: offer.run });
}

const QUESTIONS = ["error_resolution", "quality_concern", "ambiguous_requirement"] as const;

/** Puts a question, for which a task may wait, or decides one, now and then one's own. */
async function escalate(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const held = draw.pick(player.held);
  if (draw.chance(0.6)) {
    const about = held === undefined ? WHERE : { run: held.run };
    const blocking =
      held !== undefined && draw.chance(0.7) ? { task: held.task, token: held.token, blocking: true } : about;
    const [type, priority] = [draw.pick(QUESTIONS), draw.pick(["normal", "critical"] as const)];
    const answer = await world.call(player, "escalate", { type, title: "May I?", priority, ...blocking });
    if (answer) world.escalations.push(answer.escalation.id);
  }
  const id = draw.pick(world.escalations.slice(-5));
  if (id === undefined || draw.chance(0.3)) return;
  const how = draw.weighted({ approved: 40, approved_with_conditions: 20, rejected: 20, deferred: 20 });
  const conditions = how === "approved_with_conditions" ? { conditions: ["be careful"] } : {};
  await world.call(world.anyPlayer(), "decide_escalation", { id, decision: how, ...conditions });
}

async function lock(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const paths = draw.some(PATHS, 0.15, 4);
  const held = draw.chance(0.3) ? draw.pick(player.held) : undefined;
  await world.call(player, "acquire_file_lock", {
    ...WHERE,
    paths: paths.length > 0 ? paths : ["README.md"],
    mode: draw.pick(["shared", "shared", "intent", "exclusive", "exclusive", "exclusive"]),
    ttl_seconds: draw.pick([1, 60, 600, 1800]),
    // Long enough to take a place in line, which outlives the call.
    ...(draw.chance(0.5) ? { wait_seconds: 0.001 } : {}),
    ...(held === undefined ? {} : { task: held.task }),
  });
}

async function unlock(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const what = draw.chance(0.5) ? { all: true } : { paths: [draw.pick(PATHS)] };
  await world.call(player, "release_file_lock", { ...WHERE, ...what });
}

async function control(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const run = draw.pick(world.runs);
  if (run === undefined) return;
  const action = draw.weighted({ pause: 25, resume: 35, cancel: 10, retry_failed: 30 });
  await world.call(player, "control_run", { run, action });
}

async function cancel(world: World, player: Player): Promise<void> {
  const task = anyTask(world);
  if (task !== undefined) await world.call(player, "cancel_task", { task });
}

async function assign(world: World, player: Player): Promise<void> {
  const task = anyTask(world);
  if (task !== undefined) await world.call(player, "assign_task", { task, agent: world.anyPlayer().name });
}

async function create(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const run = draw.chance(0.8) ? draw.pick(world.runs) : undefined;
  const keys = run === undefined ? [] : Array.from({ length: draw.int(0, 3) }, () => `s${draw.int(0, 12)}`);
  await world.call(player, "create_task", {
    title: "One more",
    ...randomFields(draw),
    ...(keys.length > 0 ? { dependencies: [...new Set(keys)], ...randomTrigger(draw) } : {}),
    ...(run === undefined ? WHERE : { run }),
  });
}

/** Returns a task that an agent has seen, or one of a run by its key: in graphs of up to 60 steps mostly one that exists. */
function anyTask(world: World): string | undefined {
  const run = world.draw.chance(0.6) ? world.draw.pick(world.runs) : undefined;
  return run === undefined ? world.draw.pick(world.tasks) : `${run}/s${world.draw.int(0, 15)}`;
}
