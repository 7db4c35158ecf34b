import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/databases/databases.js";
import { connectClient, type TestClient } from "../support/servers/client.js";

const BY = ["-c", "user.name=a", "-c", "user.email=a@b.c"];

describe("four clients, each with a server of its own, on one repository", () => {
  test(
    "author, reviewer, lead and architect bring a step through five rounds to its approval",
    { timeout: 120_000 },
    async () => {
      const cwd = temporaryDirectory();
      const git = (...args: string[]) =>
        execFileSync("git", [...BY, ...args], { cwd, stdio: "pipe" })
          .toString()
          .trim();
      const write = (name: string, text: string) => {
        mkdirSync(path.dirname(path.join(cwd, name)), { recursive: true });
        writeFileSync(path.join(cwd, name), text);
      };
      git("init", "-q");
      write("src/api.ts", "export const limit = 0;\n");
      write("docs/guide.md", "Guide\n");
      git("add", "-A");
      git("commit", "-qm", "first");

      const author = await connectClient({ cwd });
      const { database } = author.server;
      const [reviewer, lead, architect] = await Promise.all([0, 1, 2].map(() => connectClient({ cwd, database })));
      const definition = {
        name: "api",
        steps: [
          {
            key: "api",
            prompt: "Bound the API.",
            files: { write: ["src/"] },
            review: { by: "reviewer", max_rounds: 2 },
          },
          { key: "ship", prompt: "Ship it.", needs: ["api"] },
        ],
      };
      const { run } = await author.call("execute_workflow", { definition });

      const work = async (text: string) => {
        const claim = await author.call("claim_task", { agent: "ann", run: run.id, wait_seconds: 20 });
        write("src/api.ts", text);
        const done = await author.call("complete_task", {
          task: claim.task!.id,
          token: claim.lease!.token,
          result: text,
        });
        expect(done.task.status).toBe("in_review");
        return claim.task!;
      };
      const claimed = async (client: TestClient, agent: string, role: string) => {
        const claim = await client.call("claim_task", { agent, run: run.id, roles: [role], wait_seconds: 20 });
        const { diff } = claim.task!.review!;
        const { content } = await client.query("get_artifact", { artifact: diff!.artifact });
        return {
          task: claim.task!.id,
          token: claim.lease!.token,
          agent,
          diff: content!.text,
          brief: claim.task!.review!,
        };
      };
      const submit = (
        client: TestClient,
        { task, token, agent }: Awaited<ReturnType<typeof claimed>>,
        given: Record<string, unknown>,
      ) => client.perform("submit_review", { task, token, agent, verdict: "revise", critique: "not yet", ...given });

      const rounds: unknown[] = [];
      const turns = [
        [reviewer!, "rita", "reviewer"],
        [reviewer!, "rita", "reviewer"],
        [lead!, "leo", "code_reviewer"],
        [lead!, "leo", "code_reviewer"],
      ] as const;
      for (const [at, [client, agent, role]] of turns.entries()) {
        const brief = await work(`export const limit = ${at + 1};\n`);
        expect(brief.reviews ?? []).toHaveLength(at);
        // Not the author, whatever it calls itself and offers.
        const own = await author.call("claim_task", { agent: "alias", run: run.id, roles: [role] });
        expect(own.outcome).toBe("none");
        const holding = await claimed(client, agent, role);
        expect(holding.diff).toContain(`+export const limit = ${at + 1};`);
        const { review, task } = await submit(client, holding, { critique: `${agent} wants more` });
        rounds.push([review.round, review.tier, review.verdict, task.status, task.reserved_for]);
      }
      expect(rounds).toEqual([
        [1, "execution", "revise", "ready", "ann"],
        [2, "execution", "revise", "ready", "ann"],
        [3, "lead", "revise", "ready", "ann"],
        [4, "lead", "revise", "ready", "ann"],
      ]);

      const brief = await work("export const limit = 100;\n");
      expect(brief.reviews!.at(-1)).toMatchObject({ agent: "leo", critique: "leo wants more" });
      const last = await claimed(architect!, "ada", "tech_lead");
      expect(last.brief).toMatchObject({ tier: "architect", round: 5, result: "export const limit = 100;\n" });
      expect(last.brief.earlier).toHaveLength(4);
      // Work that changes after its diff is not approved; the edits and commits of others are none of it.
      write("src/api.ts", "export const limit = 1e9;\n");
      await expect(submit(architect!, last, { verdict: "approve" })).rejects.toMatchObject({ code: "conflict" });
      write("docs/guide.md", "Longer guide\n");
      git("add", "-A");
      git("commit", "-qm", "everything");
      const { task, review } = await submit(architect!, last, { verdict: "approve", critique: "good" });
      expect([task.status, review.verdict, review.tier]).toEqual(["succeeded", "approve", "architect"]);

      const ship = await author.call("claim_task", { agent: "ann", run: run.id, wait_seconds: 20 });
      await author.call("complete_task", { task: ship.task!.id, token: ship.lease!.token });
      expect((await author.call("get_run", { run: run.id })).run).toMatchObject({
        status: "succeeded",
        counts: { succeeded: 7 },
      });
      const { reviews, attempts } = await author.call("get_task", { task: `${run.id}/api`, include: ["attempts"] });
      expect(reviews!.map(({ agent }) => agent)).toEqual(["rita", "rita", "leo", "leo", "ada"]);
      expect(attempts!.map(({ outcome }) => outcome)).toEqual([
        "succeeded",
        "succeeded",
        "succeeded",
        "succeeded",
        "succeeded",
      ]);
    },
  );
});
