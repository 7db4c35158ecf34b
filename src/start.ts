import { parseArgs } from "node:util";
import { BatonError } from "./base/errors.js";
import type { ServeFlags } from "./app/serving/serving.js";

/** Serves, or carries out a command of a person. Each way loads only what it needs: the protocol's SDK, or the command line's parser. */
export async function start(args: readonly string[]): Promise<void> {
  const flags = serveFlags(args);
  try {
    if (flags === undefined) {
      const [{ runCommandLine }, { commandHost }] = await Promise.all([
        import("./cli/program.js"),
        import("./app/command-host.js"),
      ]);
      process.exitCode = await runCommandLine(args, commandHost);
    } else {
      await (await import("./app/serving/serving.js")).serve(flags);
    }
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    process.stderr.write(`baton: ${error.message}\n`);
    process.exitCode = 2;
  }
}

/**
 * Reads the flags of `baton [serve] …` without the command line's parser, which takes longer to load than the server to
 * start. Returns undefined for anything but a plain start: the parser then says what is wrong, or prints the help.
 */
export function serveFlags(args: readonly string[]): ServeFlags | undefined {
  const [first, ...rest] = args;
  try {
    const { values } = parseArgs({
      args: first === "serve" ? rest : [...args],
      options: {
        http: { type: "string" },
        "public-url": { type: "string", multiple: true },
        "oauth-issuer": { type: "string" },
        db: { type: "string" },
        "database-url": { type: "string" },
        toolsets: { type: "string" },
        "allow-commands": { type: "boolean" },
        "mcp-config": { type: "string" },
        "log-level": { type: "string" },
        "read-only": { type: "boolean" },
      },
    });
    const { db, http, toolsets } = values;
    return {
      http,
      publicUrl: values["public-url"],
      oauthIssuer: values["oauth-issuer"],
      db,
      databaseUrl: values["database-url"],
      toolsets,
      allowCommands: values["allow-commands"],
      mcpConfig: values["mcp-config"],
      logLevel: values["log-level"],
      readOnly: values["read-only"],
    };
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
