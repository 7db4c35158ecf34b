// The parent of a server: starts it over the pipes that it was given itself, so that the server's input outlives its parent.
import { spawn } from "node:child_process";

const child = spawn(process.execPath, process.argv.slice(2), { stdio: "inherit" });
process.stderr.write(`server ${child.pid}\n`);
child.on("exit", (code) => process.exit(code ?? 1));
