import path from "node:path";

/** The repository: this is compiled to .build/bench/bench. */
export const ROOT = path.resolve(import.meta.dirname, "../../../..");
/** The built server. */
export const SERVER = path.join(ROOT, "dist/main.js");
export const RESULTS = path.join(ROOT, "bench/results");
/** Written as JavaScript: it is the server that a newcomer to the SDK would write. */
export const BARE_SERVER = path.join(ROOT, "bench/peers/bare-server.mjs");
/** A process that claims and completes. */
export const WORKER = path.join(import.meta.dirname, "../worker.js");
