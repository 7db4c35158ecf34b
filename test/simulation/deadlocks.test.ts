import { expect, test } from "vitest";
import { seededRandom } from "../../src/runtime/random.js";
import type { ResultOf } from "../../src/tools/registry.js";
import { isLong } from "../support/counts.js";
import { Draw } from "../support/draw.js";
import { startApp } from "../support/servers/app.js";

type Lock = ResultOf<"list_file_locks">["locks"][number];
interface Request {
  readonly agent: string;
  readonly path: string;
  readonly mode: Lock["mode"];
}

const AGENTS = ["ann", "ben", "cat", "dan"] as const;
const PATHS = ["a.ts", "b.ts", "c.ts"] as const;
const SEEDS = Array.from({ length: isLong ? 100 : 12 }, (_, at) => at + 1);

/** The agents that a request waits for, by the rules of the documents alone: holders in its way, and who asked earlier, unless it holds the path already. */
function waitsFor({ agent, path, mode }: Request, locks: readonly Lock[]): string[] {
  const there = locks.filter((lock) => lock.path === path);
  const own = there.filter((lock) => lock.agent === agent);
  const conflicting = there.filter(
    (lock) => lock.agent !== agent && (lock.mode === "exclusive" || mode === "exclusive"),
  );
  const holders = conflicting.filter(({ state }) => state !== "queued");
  // A request in another mode is another one, behind those in line.
  const same = own.filter((lock) => lock.mode === mode);
  if (same.some(({ state }) => state === "offered")) return [];
  const place = same.find(({ state }) => state === "queued");
  const earlier = conflicting.filter(({ state, since }) => state === "queued" && (!place || since < place.since));
  return [...holders, ...(own.some(({ state }) => state === "held") ? [] : earlier)].map((lock) => lock.agent);
}

/** Whether a request closes a cycle of agents that wait for each other. */
function closesCycle(request: Request, locks: readonly Lock[]): boolean {
  const queued = locks.filter(({ state }) => state === "queued");
  const seen = new Set<string>();
  const open = waitsFor(request, locks);
  for (let agent = open.pop(); agent !== undefined; agent = open.pop()) {
    if (agent === request.agent) return true;
    if (seen.has(agent)) continue;
    seen.add(agent);
    for (const lock of queued) if (lock.agent === agent) open.push(...waitsFor(lock, locks));
  }
  return false;
}

test.each(SEEDS)("a request is a deadlock where it closes a cycle, and only there (seed %i)", async (seed) => {
  const draw = new Draw(seededRandom(seed));
  const app = await startApp();
  await app.call("create_project", { name: "p", root: app.cwd });
  for (let at = 0; at < 40; at++) {
    app.clock.advance(1);
    const agent = draw.pick(AGENTS);
    if (draw.chance(0.2)) {
      await app.call("release_file_lock", {
        project: "p",
        agent,
        ...(draw.chance(0.5) ? { all: true } : { paths: [draw.pick(PATHS)] }),
      });
      continue;
    }
    const request: Request = { agent, path: draw.pick(PATHS), mode: draw.pick(["shared", "exclusive"] as const) };
    const { locks } = await app.call("list_file_locks", { project: "p" });
    const { outcome } = await app.call("acquire_file_lock", {
      project: "p",
      agent,
      paths: [request.path],
      mode: request.mode,
      wait_seconds: 0.001,
    });
    const isDeadlock = closesCycle(request, locks);
    // Compared with what it was about, so that a difference shows it.
    expect({ at, request, locks, isDeadlock: outcome === "deadlock" }).toEqual({ at, request, locks, isDeadlock });
  }
});
