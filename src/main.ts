#!/usr/bin/env node
import type { guard as Guard } from "./app/guard/guard.js";
import { start } from "./start.js";

const args = process.argv.slice(2);
const asksForHelp = args[0] === "help" && args[1] === "guard";
if (args[0] === "guard" || asksForHelp) {
  // The file of hooks is a script, which Node loads faster than a module.
  const loadScript = process.getBuiltinModule("node:module").createRequire(import.meta.url);
  const { guard } = loadScript("./lib/guard.cjs") as { guard: typeof Guard };
  await guard(asksForHelp ? ["--help"] : args.slice(1));
} else {
  await start(args);
}
