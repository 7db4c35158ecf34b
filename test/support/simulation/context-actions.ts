import { type Player, WHERE, type World } from "./world.js";

const TEXTS = {
  conversation: "We decided to use UUIDs as keys, since two servers write at once. ",
  code: "/** Adds. */\nexport function add(a: number, b: number): number {\n  const sum = a + b;\n  return sum;\n}\n",
  requirements: "- The server shall answer within 100 ms.\n- Users can sign in by mail.\n",
} as const;
const KINDS = Object.keys(TEXTS) as (keyof typeof TEXTS)[];

/** Adds to a context window, with a small limit, compacts it, or reads it: what is read never exceeds what was asked for. */
export async function context(world: World, player: Player): Promise<void> {
  const { draw } = world;
  const window = draw.pick(["main", "notes"]);
  const how = draw.weighted({ add: 60, get: 25, compact: 15 });
  const kind = draw.pick(KINDS) as keyof typeof TEXTS;
  const held = draw.chance(0.3) ? draw.pick(player.held) : undefined;
  const place = held === undefined ? WHERE : { task: held.task };
  const content = TEXTS[kind].repeat(draw.pick([1, 10, 40]) ?? 1);
  const limits = { max_tokens: 1_000, keep_recent: draw.int(0, 3), compact: draw.chance(0.8) };
  if (how === "add")
    await world.call(player, "add_context", { ...place, window, role: "user", kind, content, ...limits });
  if (how === "compact") {
    const own = draw.chance(0.3) ? { summary: "All is decided." } : {};
    await world.call(player, "compact_context", { ...WHERE, window, keep_recent: draw.int(0, 3), ...own });
  }
  if (how !== "get") return;
  const max = draw.pick([100, 500, 2_000]) ?? 100;
  const read = await world.call(player, "get_context", { ...WHERE, window, max_tokens: max });
  if (read !== undefined && read.answer_tokens > max)
    throw new Error(`${read.answer_tokens} tokens were read where ${max} fit`);
}
