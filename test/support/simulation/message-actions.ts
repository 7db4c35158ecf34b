import { ROLES } from "../fixtures/random-graph.js";
import { type Player, WHERE, type World } from "./world.js";

/** Sends a message to an agent, a role, a channel, all or the holder of a task, or reads, acknowledges, answers or replays some. */
export async function message(world: World, player: Player): Promise<void> {
  const how = world.draw.weighted({ send: 50, read: 50 });
  if (how === "send") await send(world, player);
  else await read(world, player);
}

async function send(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const task = draw.pick(world.tasks);
  const to = draw.weighted({ agent: 60, role: 10, channel: 10, all: 10, task: 10 });
  const addressee = {
    agent: { to: world.anyPlayer().name },
    role: { to: `role:${draw.pick(ROLES) ?? "any"}` },
    channel: { to: "#general" },
    all: { to: "all" },
    task: task === undefined ? { to: "all" } : { task },
  }[to];
  const run = draw.pick(world.runs);
  const about = run !== undefined && to !== "task" && draw.chance(0.3) ? { run } : WHERE;
  const type = draw.pick(["inform", "question", undefined] as const);
  await world.call(player, "send_message", { ...about, ...addressee, body: "so it is", ...(type && { type }) });
}

async function read(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const only = draw.chance(0.2) ? { channel: draw.pick(["#general", "all"]) } : {};
  const page = { ...WHERE, ...only, limit: draw.pick([2, 50]) };
  const found = (await world.call(player, "read_messages", page))?.messages ?? [];
  const ids = draw.some(
    found.map(({ id }) => id),
    0.6,
  );
  if (ids.length > 0 && draw.chance(0.8)) await world.call(player, "read_messages", { ...page, ack: ids });
  const [first] = found;
  if (first === undefined) return;
  const how = draw.weighted({ reply: 30, replay: 20, nothing: 50 });
  if (how === "reply") await world.call(player, "send_message", { ...WHERE, reply_to: first.id, body: "yes" });
  if (how === "replay") await world.call(player, "read_messages", { ...page, from: first.id });
}

/** Reads all that an agent has not acknowledged, and notes that it was all. */
export async function readInbox(world: World, agent: string): Promise<void> {
  const messages: string[] = [];
  for (let cursor: string | undefined, more = true; more;) {
    const page = await world.must("read_messages", { ...WHERE, agent, limit: 200, ...(cursor && { cursor }) });
    messages.push(...page.messages.map(({ id }) => id));
    ({ next_cursor: cursor } = page);
    more = cursor !== undefined;
  }
  world.journal.push({ kind: "read", agent, acked: [], messages, isInbox: true });
}
