import { isName } from "../../base/names.js";
import type { Settings } from "../../base/settings.js";
import type { Caller, Workplace } from "../../engine/context.js";
import { type Engine, engineFor } from "../../engine/engine.js";
import { holdingsOf } from "../../engine/guard/guarded-files.js";
import type { HookOrigin } from "../../engine/guard/hook-origin.js";
import type { Brief } from "../../engine/claims/brief.js";
import { startNote, workLeft } from "../../guard/wording.js";
import { systemRuntime } from "../../runtime/runtime.js";
import { VERSION } from "../../runtime/version.js";
import type { Store } from "../../store/tx.js";
import type { HookAsks } from "./hook-asks.js";
import { thisHost } from "./hook-sockets.js";

/** The engine for hooks. Its caller has no session and no name of its own: who asks is told by each hook. */
export function hookEngine(store: Store, settings: () => Settings): Engine {
  const caller: Caller = {
    agent: "guard",
    session: null,
    clientSession: null,
    host: thisHost(),
    workplace: { cwd: "/", gitRoot: null, caseInsensitive: false },
    channel: "agent",
  };
  const { clock } = systemRuntime();
  return engineFor(store, caller, { version: VERSION, settings, now: () => clock.now(), effects: [] });
}

/** Answers one hook's asks. */
export function hookDatabase(engine: Engine, hook: HookOrigin): HookAsks {
  const { ownHandle } = hook;
  const origin = { ...hook, ownHandle: ownHandle !== undefined && isName(ownHandle) ? ownHandle : undefined };
  const notes = async (place: Workplace) => {
    const { sessionNotes } = await import("../../engine/guard/session-notes.js");
    return engine.read((ctx) => sessionNotes(ctx, origin, place));
  };
  return {
    holdings: (places) => engine.read((ctx) => holdingsOf(ctx, origin, places)),
    take: async (places) => {
      const { takeEditedFiles } = await import("../../engine/guard/edits.js");
      return engine.transact((ctx) => takeEditedFiles(ctx, origin, places));
    },
    free: async (places) => {
      const { freeEditedFiles } = await import("../../engine/guard/edits.js");
      return engine.transact((ctx) => freeEditedFiles(ctx, origin, places));
    },
    noteAtStart: async (place) => {
      const [found, { heldBrief, othersAtWork }] = await Promise.all([
        notes(place),
        import("../../engine/guard/session-notes.js"),
      ]);
      const others = await engine.read((ctx) => othersAtWork(ctx, origin, place));
      const [task] = found.tasks;
      const brief = task && (await engine.read((ctx) => heldBrief(ctx, task)));
      if (brief === undefined) return startNote({ ...found, others }, undefined);
      return startNote({ ...found, others }, await briefText(brief, await historyOf(engine, brief)));
    },
    workLeft: async (place) => workLeft(await notes(place)),
  };
}

/** Clients keep a longer text of a hook out of the conversation. */
const NOTE_BYTES_MAX = 7_000;
const HISTORY_TOKENS = 400;

async function briefText(brief: Brief, history: string): Promise<string> {
  const [{ claimAnswer }, { renderResult }] = await Promise.all([
    import("../../tools/claims.js"),
    import("../../dispatch/render.js"),
  ]);
  const bytes = NOTE_BYTES_MAX - Buffer.byteLength(history);
  return `${renderResult(claimAnswer({ outcome: "claimed", brief }), bytes).text}${history}`;
}

/** Returns what happened to a task that others worked on or wrote about, in short; for any other its brief says all. */
async function historyOf(engine: Engine, { task, messages }: Brief): Promise<string> {
  if (task.attempt <= 1 && messages.length === 0) return "";
  const { getBrief } = await import("../../engine/briefs/briefs.js");
  const { brief } = await engine.read((ctx) => getBrief(ctx, { task: task.id }, HISTORY_TOKENS));
  return `\n\nget_brief of it: ${brief}`;
}
