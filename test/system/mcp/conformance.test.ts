import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { startConformanceFixture } from "../../support/conformance/fixture-server.js";
import { startHttpServer } from "../../support/http/http-server.js";
import { directoryOf, nodeOf } from "../npm-package.js";
import {
  DOES_NOT_APPLY,
  NAMES_WHAT_BATON_HAS_NOT,
  type Protocol,
  PROTOCOLS,
  WARNED_OF,
} from "./conformance-results.js";

// The official suite of the protocol, run against Baton's own way to serve it: docs/serving.md says what of it does not apply, and why.

const SUITE = { name: "@modelcontextprotocol/conformance", version: "0.2.0-alpha.12", program: "conformance" } as const;
/** Its oldest Node. */
const NODE_MAJOR = 22;

const suite = directoryOf(SUITE);
const node = nodeOf(NODE_MAJOR);

const CHECKS = z.array(z.object({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }));

interface ScenarioResult {
  readonly checks: number;
  readonly failed: readonly string[];
  readonly warned: readonly string[];
}

/** Runs all scenarios that a protocol requires, and those beside that are not scored; returns what came of each. */
async function resultsOf(origin: string, protocol: Protocol): Promise<Map<string, ScenarioResult>> {
  const out = mkdtempSync(path.join(os.tmpdir(), "conformance-"));
  const program = path.join(suite!, "node_modules", SUITE.name, "dist/index.js");
  const args = [program, "server", "--url", `${origin}/mcp`, "--requirements", protocol, "-o", out];
  const run = spawn(node!, args, { cwd: out, stdio: "ignore" });
  await new Promise((resolve) => run.once("exit", resolve));
  return new Map(
    readdirSync(out).map((directory) => {
      const checks = CHECKS.parse(JSON.parse(readFileSync(path.join(out, directory, "checks.json"), "utf8")));
      const of = (status: string) => checks.filter((check) => check.status === status).map(({ id }) => id);
      const scenario = directory.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT.*$/, "");
      return [scenario, { checks: checks.length, failed: of("FAILURE"), warned: of("WARNING") }];
    }),
  );
}

function scenariosWhere(results: ReadonlyMap<string, ScenarioResult>, is: (result: ScenarioResult) => boolean) {
  return [...results].filter(([, result]) => is(result)).map(([scenario]) => scenario);
}

// The suite waits 0.8 s for a stream, which a machine that others keep busy may miss once.
describe.skipIf(suite === undefined || node === undefined).each(PROTOCOLS)(
  "the conformance suite for %s",
  (protocol) => {
    test("passes behind Baton's transport but for what does not apply", async () => {
      const results = await resultsOf(await startConformanceFixture(), protocol);
      const failed = scenariosWhere(results, (result) => result.failed.length > 0);
      expect(new Set(failed)).toEqual(new Set(Object.keys(DOES_NOT_APPLY[protocol])));
      const warned = scenariosWhere(results, (result) => result.warned.length > 0);
      expect(new Set(warned)).toEqual(new Set(Object.keys(WARNED_OF[protocol])));
    });

    test("passes at a server of Baton itself wherever it names nothing that Baton has not", async () => {
      const { origin } = await startHttpServer();
      const results = await resultsOf(origin, protocol);
      const failed = scenariosWhere(results, (result) => result.failed.length > 0);
      const allowed = [...Object.keys(DOES_NOT_APPLY[protocol]), ...NAMES_WHAT_BATON_HAS_NOT[protocol]];
      expect(new Set(failed)).toEqual(new Set(allowed));
    });
  },
);
