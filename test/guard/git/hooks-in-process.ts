import path from "node:path";
import { hostOver } from "../../../src/app/guard/guard-host.js";
import { hookDatabase } from "../../../src/app/guard/hook-database.js";
import type { HookOrigin } from "../../../src/engine/guard/hook-origin.js";
import { committedInHook } from "../../../src/guard/git/hook-uses.js";
import { usesOf } from "../../../src/guard/git/uses.js";
import { answerOf } from "../../../src/guard/hooks/hook-answer.js";
import { readHookCall } from "../../../src/guard/hooks/hook-call.js";
import { type GuardHost, judge } from "../../../src/guard/judgement.js";
import { startApp, type TestApp } from "../../support/servers/app.js";
import type { CalledHook } from "./hook-guard.js";

/** Far more than git needs, also on a busy machine: in time the real guard lets pass what git has not said. */
const LIMIT_MS = 30_000;

/** The decisions of `baton guard` on a database of its own, without a process for each hook. */
export class HooksInProcess {
  #app: TestApp | undefined;

  async ask({ session, cwd, kind, input }: CalledHook): Promise<string> {
    const host = await this.#host(session, cwd);
    if (kind === "git post-commit") {
      const { top, paths } = await committedInHook(cwd);
      await host.free(paths.map((file) => path.join(top, file)));
      return "";
    }
    const call = readHookCall(JSON.parse(input), cwd);
    if (call === undefined) throw new Error(`the document is not known: ${input}`);
    return answerOf(call, await judge(call, host));
  }

  async #host(session: string, cwd: string): Promise<GuardHost> {
    const { app } = (this.#app ??= await usedIn(cwd));
    const host = hostOver(hookDatabase(await app.background("hook"), originOf(session)), cwd);
    return { ...host, usesOf: (command, from) => usesOf(command, from, AbortSignal.timeout(LIMIT_MS)) };
  }
}

/** Baton is in use there: without a project no file is held. */
async function usedIn(cwd: string): Promise<TestApp> {
  const app = await startApp({ cwd, sessionless: true, agent: "first" });
  await app.call("acquire_file_lock", { paths: ["elsewhere.txt"] });
  return app;
}

function originOf(session: string): HookOrigin {
  const process = { pid: session.codePointAt(0) ?? 0, processStartedAt: 100 };
  const conversation = `session-${session}`;
  return { client: "claude-code", conversation, ancestors: [process], process, ownHandle: undefined };
}
