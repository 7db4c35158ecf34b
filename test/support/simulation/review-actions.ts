import { ROLES } from "../fixtures/random-graph.js";
import { type Player, type World } from "./world.js";

/** Roles of supervising tiers, which agents of random histories offer now and then. */
export const SUPERVISORS = ["code_reviewer", "tech_lead"] as const;

const FINDINGS = [{ severity: "major", what: "it is wrong" }] as const;

/** Asks for a review of a task, decides one, or claims one, now and then of one's own work. */
export async function review(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const how = draw.weighted({ request: 30, submit: 50, claim: 20 });
  const task = draw.chance(0.5) ? draw.pick(player.held)?.task : draw.pick(world.tasks);
  if (how === "claim") {
    const run = draw.pick(world.runs);
    const offer = { roles: [...ROLES, ...SUPERVISORS], fresh: true };
    const answer = run === undefined ? undefined : await world.call(player, "claim_task", { run, ...offer });
    if (answer?.outcome !== "claimed") return;
    player.held.push({ task: answer.task!.id, token: answer.lease!.token, run: answer.task!.run });
    world.tasks.push(answer.task!.id);
  }
  if (task === undefined) return;
  if (how === "request") {
    const role = { reviewer_role: draw.pick([...ROLES, "code_reviewer", "human"]), max_rounds: draw.int(1, 2) };
    await world.call(player, "request_review", { task, ...(draw.chance(0.7) ? role : {}) });
  }
  if (how === "submit") await submit(world, player, task);
}

async function submit(world: World, player: Player, task: string): Promise<void> {
  const { draw } = world;
  const held = player.held.find((one) => one.task === task);
  const verdict = draw.weighted({ approve: 50, revise: 35, reject: 15 });
  const why = draw.chance(0.9) ? { findings: [...FINDINGS] } : {};
  const token = held !== undefined && draw.chance(0.8) ? { token: held.token } : {};
  const answer = await world.call(player, "submit_review", { task, verdict, ...why, ...token });
  if (answer && held) player.held.splice(player.held.indexOf(held), 1);
}
