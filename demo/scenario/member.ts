// The process of one member: an assistant's program without its model. It starts a Baton server of its own, takes the tasks of its
// role, answers what it is asked, and decides what it may decide.
import { Baton } from "../team/baton.js";
import { Workplace, escalationOf, type Held } from "./workplace.js";
import type { Go, News, Orders } from "./orders.js";
import { PARTS, plan, reviewWork, usageOf } from "./parts.js";

const CLAIM_WAIT_SECONDS = 1;

const orders = JSON.parse(process.argv[2] ?? "null") as Orders;
process.once("disconnect", outlived);
const baton = await Baton.connect(orders.place, orders, orders.serverArgs);
const place = new Workplace(baton, orders, tell);
tell({ kind: "connected", server: baton.server });
const run = orders.run ?? (await told()).run ?? (await plan(place, planned));
while (await work()) await answerMail();
await baton.close();
process.off("disconnect", outlived);
process.disconnect();

function outlived(): void {
  process.exit(1);
}

function tell(news: News): void {
  process.send?.(news);
}

function told(): Promise<Go> {
  return new Promise((resolve) => process.once("message", (go) => resolve(go as Go)));
}

/** Tells that the run exists, and goes on once its budget is set. */
async function planned(id: string): Promise<void> {
  tell({ kind: "planned", run: id });
  await told();
}

/** Takes one task, if there is one. False once the run has ended. */
async function work(): Promise<boolean> {
  const { task, lease, reason } = await baton.call("claim_task", {
    run,
    roles: [...place.roles],
    wait_seconds: CLAIM_WAIT_SECONDS,
  });
  if (task && lease) await finish({ brief: task, token: lease.token });
  return reason !== "run_finished";
}

async function finish(held: Held): Promise<void> {
  const part = held.brief.review ? reviewWork : PARTS[held.brief.key];
  if (!part) throw new Error(`${orders.name} has no part in ${held.brief.key}`);
  const result = await part(place, held);
  const usage = usageOf(held);
  if (result === undefined) await baton.operate("record_usage", { task: held.brief.id, ...usage });
  else await baton.call("complete_task", { task: held.brief.id, token: held.token, result, usage });
}

/** Answers questions of others, and decides escalations that this member is asked about. */
async function answerMail(): Promise<void> {
  const { messages } = await baton.call("read_messages", {});
  for (const message of messages) {
    const escalation = escalationOf(message.data);
    if (message.type === "question" && escalation === undefined)
      await baton.call("send_message", {
        reply_to: message.id,
        type: "answer",
        body: "To the even cent, so that many roundings do not add up.",
      });
    if (message.type === "question" && escalation !== undefined && place.roles.includes("code_reviewer"))
      await baton.operate("decide_escalation", {
        id: escalation,
        decision: "rejected",
        note: "A key belongs into the environment of the service, not into a file.",
      });
  }
  if (messages.length > 0) await baton.call("read_messages", { ack: messages.map(({ id }) => id) });
}
