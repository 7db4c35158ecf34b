import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { BatonError } from "../../base/errors.js";
import type { Settings } from "../../base/settings.js";
import type { PerformanceTrials } from "../../dispatch/capabilities.js";
import type { TrialPlan } from "../../engine/performance/trial.js";
import { ManualClock } from "../../runtime/clock.js";
import { sortableIds } from "../../runtime/ids.js";
import { systemRandom } from "../../runtime/random.js";
import { VERSION } from "../../runtime/version.js";

/** Trials of the engine on a temporary SQLite database, one at a time in a process. */
export class Trials implements PerformanceTrials {
  readonly settings: () => Settings;
  readonly #synchronous: "FULL" | "NORMAL";
  #isTrying = false;

  constructor(settings: () => Settings, synchronous: "FULL" | "NORMAL") {
    this.settings = settings;
    this.#synchronous = synchronous;
  }

  async tryOut(plan: TrialPlan, signal: AbortSignal) {
    if (this.#isTrying) {
      throw new BatonError(
        "conflict",
        "A trial runs in this process, and two would slow each other: call again when it has ended.",
      );
    }
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "baton-trial-"));
    this.#isTrying = true;
    try {
      const startedAt = performance.now();
      const figures = await this.#tryIn(path.join(directory, "trial.db"), plan, signal);
      return { figures, tookMs: Math.round(performance.now() - startedAt) };
    } finally {
      this.#isTrying = false;
      fs.rmSync(directory, { recursive: true, force: true });
    }
  }

  async #tryIn(file: string, plan: TrialPlan, signal: AbortSignal) {
    const [{ openSqlite }, { trialOf }] = await Promise.all([
      import("../../store/sqlite/sqlite.js"),
      import("../../engine/performance/trial.js"),
    ]);
    const clock = new ManualClock();
    const ids = sortableIds(systemRandom);
    const runtime = { clock, random: systemRandom, ids };
    const store = await openSqlite({ file, synchronous: this.#synchronous, runtime });
    try {
      const ground = {
        store,
        clock,
        settings: this.settings(),
        version: VERSION,
        newId: (kind: string) => ids.next(kind, clock.now()),
        measure: () => performance.now(),
        pause: () => setImmediate(),
        isStopped: () => signal.aborted,
      };
      return await trialOf(ground, plan);
    } finally {
      await store.close();
    }
  }
}
