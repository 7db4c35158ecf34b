import type { Caller } from "../../../src/engine/context.js";

/** An agent without a session or a working directory, for an engine that a test opens by itself. */
export const CALLER: Caller = {
  agent: "ann",
  session: null,
  clientSession: null,
  host: "here",
  workplace: { cwd: "/nowhere", gitRoot: null, caseInsensitive: false },
  channel: "agent",
};
