import { ROLES } from "../fixtures/random-graph.js";
import { type Player, WHERE, type World } from "./world.js";

const NAMES = ["design.md", "a.json", "notes.txt"] as const;
const CONTENTS = ["# One", "{}", "{", "two", "three"] as const;
const APPROVERS = [...ROLES, "tech_lead", "human"] as const;

/** Puts a version of a name, checks it, asks for its approval, or decides one, now and then one's own. */
export async function artifact(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const name = draw.pick(NAMES) as string;
  const place = placeOf(world, player);
  const how = draw.weighted({ put: 50, validate: 15, request: 20, decide: 15 });
  if (how === "put") await world.call(player, "put_artifact", { ...place, name, content: draw.pick(CONTENTS) });
  if (how === "validate")
    await world.call(player, "validate_artifact", {
      ...scopeOf(place),
      artifact: name,
      ...(draw.chance(0.3) && { judge: true }),
    });
  if (how === "request") await requestApproval(world, player, { ...place, artifact: name });
  if (how === "decide") await decideApproval(world);
}

interface Place {
  readonly task?: string;
  readonly run?: string;
  readonly project?: string;
}

/** A task that the player believes to hold, a run, or the project. */
function placeOf({ draw, runs }: World, player: Player): Place {
  const held = draw.pick(player.held);
  if (held !== undefined && draw.chance(0.6)) return { task: held.task };
  const run = draw.pick(runs);
  return run !== undefined && draw.chance(0.7) ? { run } : WHERE;
}

function scopeOf({ task, ...place }: Place): Place {
  return task === undefined ? place : WHERE;
}

async function requestApproval(world: World, player: Player, subject: Place & { artifact: string }): Promise<void> {
  const { draw } = world;
  const given = draw.chance(0.7) || subject.task === undefined ? subject : { task: subject.task };
  const approver = draw.pick(APPROVERS) as string;
  const answer = await world.call(player, "request_approval", { ...given, approver_role: approver });
  if (answer) world.approvals.push(answer.approval.id);
}

async function decideApproval(world: World): Promise<void> {
  const approval = world.draw.pick(world.approvals.slice(-5));
  if (approval === undefined) return;
  const decision = world.draw.weighted({ approved: 50, approved_with_conditions: 20, rejected: 30 });
  const conditions = decision === "approved_with_conditions" ? { conditions: ["be careful"] } : {};
  await world.call(world.anyPlayer(), "decide_approval", { approval, decision, ...conditions });
}
