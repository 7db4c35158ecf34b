import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { connectClient } from "../support/servers/client.js";

const ROUNDS = 20;
const BATCHES_MAX = 12;
const WITHIN_MS = 100;

describe.each(BACKENDS)("a decision in one process on %s", (backend) => {
  test("ends within 100 ms the wait of the agent that asked, and the claim that waits for its task, in two others", async () => {
    const { location: database } = await createDatabase(backend);
    const [ann, ben, zoe] = await Promise.all([1, 2, 3].map(() => connectClient({ database })));
    await ann!.call("create_project", { name: "p" });
    // Other processes on the machine can only make it slower: the best of a few batches counts.
    let p95 = Number.POSITIVE_INFINITY;
    for (let batch = 0; batch < BATCHES_MAX && p95 >= WITHIN_MS; batch++) {
      const took: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const { task } = await ann!.call("create_task", { project: "p", title: "t", prompt: "do", agent: "ann" });
        const claimed = await ann!.call("claim_task", { agent: "ann", project: "p", fresh: true });
        const { token } = claimed.lease!;
        const asked = { type: "quality_concern", title: "Good?", blocking: true, task: task.id, token } as const;
        const { escalation } = await ann!.call("escalate", { ...asked, agent: "ann" });
        const waiting = ann!.call("wait_for", { agent: "ann", kinds: ["decision"], project: "p", timeout_seconds: 50 });
        const claiming = zoe!.call("claim_task", { agent: "zoe", project: "p", fresh: true, wait_seconds: 50 });
        await ben!.perform("decide_escalation", { agent: "ben", id: escalation.id, decision: "approved" });
        const decidedAt = performance.now();
        const ended = [waiting, claiming].map(async (one) => {
          const answer = await one;
          return { answer, took: Math.max(0, performance.now() - decidedAt) };
        });
        const [waited, resumed] = await Promise.all(ended);
        expect(waited!.answer).toMatchObject({ events: [{ type: "escalation.decided" }] });
        expect(resumed!.answer).toMatchObject({ outcome: "claimed", task: { id: task.id } });
        took.push(Math.max(waited!.took, resumed!.took));
        const next = (await claiming).lease!.token;
        await zoe!.call("complete_task", { agent: "zoe", task: task.id, token: next, result: {} });
      }
      p95 = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.95)] ?? p95;
      process.stdout.write(`${backend}: both waits ended after the decision, 95th percentile ${p95.toFixed(1)} ms\n`);
    }
    expect(p95).toBeLessThan(WITHIN_MS);
  }, 300_000);
});
