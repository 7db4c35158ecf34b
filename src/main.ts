#!/usr/bin/env node
import type { guard as Guard } from "./app/guard/guard.js";

const args = process.argv.slice(2);
const asksForHelp = args[0] === "help" && args[1] === "guard";
if (args[0] === "guard" || asksForHelp) {
  // A hook runs at each edit: its file is a script, which Node loads faster than a module, and nothing stands before it.
  const loadScript = process.getBuiltinModule("node:module").createRequire(import.meta.url);
  const { guard } = loadScript("./lib/guard.cjs") as { guard: typeof Guard };
  await guard(asksForHelp ? ["--help"] : args.slice(1));
} else {
  const { start } = await import("./start.js");
  await start(args);
}
