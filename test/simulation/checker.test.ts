import { expect, test } from "vitest";
import type { Store, Tx } from "../../src/store/tx.js";
import { startApp } from "../support/servers/app.js";
import { Checker, type Invariant, INVARIANTS } from "../support/checker/checker.js";
import type { Acknowledged } from "../support/checker/journal.js";
import { Crew } from "../support/fixtures/plan.js";

const DECIDE = "UPDATE escalations SET status = 'approved', decided_at = 1, due_at = NULL";

/** One way in which a database could be wrong, and what the checker must say about it. */
const WRONGS: readonly [wrong: string, invariant: Invariant, sql: string][] = [
  [
    "an acknowledged completion has left no event",
    "acknowledged",
    "UPDATE events SET type = 'task.progress' WHERE type = 'task.succeeded'",
  ],
  ["a claim falls between another claim and its end", "one_holder", again("task.claimed", "'rival'", `{"token":9}`)],
  ["a row names another holder", "one_holder", "UPDATE tasks SET agent = 'rival' WHERE status = 'running'"],
  ["a task is done again", "done_once", again("task.succeeded", "agent", `{"token":1}`)],
  ["an attempt is missing", "attempts", "DELETE FROM attempts"],
  [
    "two hold overlapping files",
    "locks_apart",
    again("lock.granted", "'rival'", `{"locks":[{"path":"src/a.ts","mode":"exclusive","token":99}]}`),
  ],
  ["a lock is gone without a word", "locks_apart", "DELETE FROM file_locks WHERE path = 'docs/'"],
  ["a lock outlives its task", "locks_of_living", "UPDATE file_locks SET task = 'task_gone' WHERE task IS NOT NULL"],
  ["a lock outlives its agent", "locks_of_living", "UPDATE agents SET status = 'unregistered' WHERE name = 'ben'"],
  ["a lock outlives its session", "locks_of_living", "UPDATE sessions SET ended_at = 1"],
  [
    "an ended run has work left",
    "runs_end",
    "UPDATE runs SET ended_at = 1, status = 'succeeded' WHERE kind = 'workflow'",
  ],
  ["counters are off", "counters", "UPDATE run_counters SET work_ms = work_ms + 1"],
  ["a lane has lost its head", "lanes", "UPDATE lanes SET head = NULL"],
  ["a lane is closed", "lanes", "UPDATE lanes SET open = 0"],
  ["a scope is parked on what is gone", "lanes", "UPDATE scope_lanes SET parked_on = 'lock_gone'"],
  ["a dependency was not counted", "dependencies", "UPDATE tasks SET deps_succeeded = 0 WHERE key = 'later'"],
  ["a task waits for what has come", "dependencies", "UPDATE tasks SET status = 'succeeded' WHERE key = 'last'"],
  [
    "a task is ready before its dependencies have ended",
    "outcomes",
    "UPDATE tasks SET status = 'ready' WHERE key = 'later'",
  ],
  [
    "a task is blocked though nothing failed",
    "outcomes",
    `UPDATE tasks SET status = 'blocked', reasons = '[{"kind":"dependency_failed"}]' WHERE key = 'later'`,
  ],
  ["a run has failed without a failed task", "outcomes", "UPDATE runs SET status = 'failed' WHERE kind = 'workflow'"],
  ["a reservation has no end", "reservations", "UPDATE tasks SET reserved_until = NULL WHERE key = 'kept'"],
  ["a budget has lost a cent", "budgets", "UPDATE budgets SET spent_micros = spent_micros + 1"],
  ["a run has lost a cent", "budgets", "UPDATE run_counters SET cost_micros = cost_micros + 1"],
  ["a run does not know its budget", "budgets", "UPDATE runs SET budget_of = NULL"],
  ["a run is closed without need", "budgets", "UPDATE runs SET over_budget = 1"],
  [
    "a budget is asked twice to be raised",
    "budgets",
    `INSERT INTO escalations (id, project, type, title, priority, tier, status, asked_by, parties, created_at, budget)
       SELECT 'escalation_' || n, 'p', 'budget_override', 't', 1, 'human', 'open', 'baton', '[]', 1, id FROM budgets, (SELECT 1 AS n UNION SELECT 2)`,
  ],
  ["a claim was not stopped", "budgets", again("task.claimed", "agent", `{"token":9}`)],
  ["a loss was not counted", "losses", "UPDATE tasks SET losses_total = losses_total + 1"],
  [
    "a lock is taken from an agent that is heard of",
    "silence",
    `INSERT INTO events (at, type, agent, data) VALUES (1, 'lock.broken', 'ann', '{"why":"silent","locks":[]}')`,
  ],
  [
    "an author takes the review",
    "takers",
    `INSERT INTO events (at, type, project, run, task, agent, data)
     SELECT at, type, project, run, (SELECT id FROM tasks WHERE key = 'review'), 'ann', '{"token":1}' FROM events
     WHERE type = 'task.claimed' ORDER BY seq LIMIT 1`,
  ],
  ["an artifact has lost its content", "artifacts", "DELETE FROM artifact_contents"],
  [
    "an author approves its own work",
    "artifacts",
    "UPDATE approvals SET decided_by = 'ann' WHERE decided_at IS NOT NULL",
  ],
  ["a reservation was forgotten", "reservations", "UPDATE tasks SET reserved_for = NULL WHERE key = 'kept'"],
  ["a message that was sent is gone", "acknowledged", "DELETE FROM messages WHERE sender = 'ann'"],
  [
    "an acknowledged message comes again",
    "messages",
    "INSERT INTO message_acks (agent, seq) SELECT 'ben', seq FROM messages WHERE sender = 'ann'",
  ],
  [
    "an unread message does not come",
    "messages",
    `INSERT INTO messages (seq, id, project, address, sender, type, body, thread, at)
       SELECT 99, 'message_new', project, address, sender, type, body, thread, at FROM messages WHERE address = 'agent:ben' LIMIT 1`,
  ],
  ["messages come in another order", "messages", "UPDATE messages SET seq = 1000 - seq"],
  ["an escalation was decided in silence", "escalations", `${DECIDE} WHERE asked_by = 'ann'`],
  ["an escalation is lost", "escalations", "DELETE FROM escalations WHERE asked_by = 'ann'"],
  [
    "an escalation is opened again",
    "escalations",
    again("escalation.opened", "agent", `{"escalation":"escalation_x"}`),
  ],
  ["an escalation goes down", "escalations", "UPDATE escalations SET tier = 'lead' WHERE asked_by = 'ann'"],
  [
    "a task waits for a decision that is asked of nobody",
    "escalations",
    `UPDATE tasks SET status = 'waiting', reasons = '[{"kind":"decision"}]' WHERE key = 'next'`,
  ],
  ["an offer has ended in silence", "handoffs", "UPDATE handoffs SET status = 'accepted'"],
  ["an offered task is kept for another", "handoffs", "UPDATE tasks SET reserved_for = 'eve' WHERE key = 'files'"],
  [
    "a window counts more than it holds",
    "windows",
    `INSERT INTO context_windows
       (id, project, agent, name, token_limit, tokens, messages, last_number, compactions, created_at, updated_at)
     VALUES ('window_1', 'p', 'ann', 'main', 1000, 5, 1, 1, 0, 1, 1)`,
  ],
  [
    "a task that has ended keeps resources",
    "resources",
    `INSERT INTO allocations (id, holder, made_by, task, state, priority, asked_at)
       VALUES ('allocation_1', 'ann', 'ann', 'task_gone', 'held', 50, 1)`,
  ],
  ["an event is told that did not happen", "deliveries", tellsOf(`'{"type":"run.finished","at":1}'`)],
];

function tellsOf(content: string): string {
  // sql: constants of this file.
  return `INSERT INTO deliveries (id, target, content, status, attempts, created_at)
    VALUES ('delivery_1', 'ops:1', ${content}, 'delivered', 1, 1)`;
}

function again(type: string, agent: string, data: string): string {
  // sql: constants of this file.
  return `INSERT INTO events (at, type, project, run, task, agent, data)
    SELECT at, '${type}', project, run, task, ${agent}, '${data}' FROM events
    WHERE type = '${type}' ORDER BY seq DESC LIMIT 1`;
}

test("a database as it should be has no findings", async () => {
  const { store, journal } = await history();
  expect(await new Checker(store).findings({ journal })).toEqual([]);
});

test.each(WRONGS)("it is found when %s (%s)", async (_, invariant, sql) => {
  const { store, journal } = await history();
  await store.transact(function* (): Tx<void> {
    yield [sql];
  });
  const found = await new Checker(store).findings({ journal });
  expect(found.map((finding) => finding.invariant)).toContain(invariant);
});

test("every invariant has a wrong that shows it", () => {
  expect(INVARIANTS.filter((invariant) => WRONGS.every(([, shown]) => shown !== invariant))).toEqual([]);
});

/**
 * Plays half a day: a task completed, one held with its files, one reserved, one that waits, a lock without a task; and
 * a run whose budget is spent.
 */
async function history(): Promise<{ store: Store; journal: Acknowledged[] }> {
  const crew = new Crew(await startApp());
  const { call, cwd, app } = crew.app;
  await call("create_project", { name: "p", root: cwd, config: { reviewers: "handle" } });
  await call("register_agent", { name: "ben" });
  const { run } = await crew.start(
    [
      { key: "first", priority: "critical" },
      { key: "files", priority: "high", files: { write: ["src/"] } },
      { key: "kept" },
      { key: "last" },
      { key: "later", needs: ["first", "last"] },
      { key: "review", needs: ["first"], not_by: ["first"] },
      { key: "next", files: { write: ["test/"] } },
    ],
    { project: "p" },
  );
  const first = await crew.take("ann", { run: run.id });
  await crew.complete(first);
  const files = await crew.take("ann", { run: run.id });
  await call("request_handoff", { task: files.id, token: files.token, to: "ben", reason: "yours" });
  await call("assign_task", { task: `${run.id}/kept`, agent: "ben" });
  await call("acquire_file_lock", { project: "p", agent: "ben", paths: ["docs/"] });
  const definition = { name: "dear", steps: ["one", "two"].map((key) => ({ key, prompt: key })) };
  const dear = await call("execute_workflow", { project: "p", definition, budget: 1 });
  const { id: task, token } = await crew.take("ben", { run: dear.run.id });
  await call("complete_task", { task, token, usage: { cost: 1 } });
  await call("put_artifact", { agent: "ann", run: run.id, name: "design.md", content: "# One" });
  const asked = await call("request_approval", {
    agent: "ann",
    run: run.id,
    artifact: "design.md",
    approver_role: "lead",
  });
  await call("register_agent", { name: "eve", roles: ["lead"] });
  await call("decide_approval", { agent: "eve", approval: asked.approval.id, decision: "approved" });
  const told = { project: "p", agent: "ann" } as const;
  const { message } = await call("send_message", { ...told, to: "ben", body: "so it is" });
  await call("escalate", { ...told, type: "quality_concern", title: "May I?", priority: "critical" });
  const inbox = await call("read_messages", { project: "p", agent: "ben" });
  const messages = inbox.messages.map(({ id }) => id);
  const journal: Acknowledged[] = [
    { kind: "sent", message: message.id },
    { kind: "read", agent: "ben", acked: [], messages, isInbox: true },
    { kind: "claimed", task: first.id, token: first.token, agent: "ann" },
    { kind: "ended", task: first.id, token: first.token, as: "succeeded" },
    { kind: "run", run: run.id },
  ];
  return { store: await app.store(), journal };
}
