import type { Data, Scene } from "./player.js";

/** Means the task that the last act was about. */
const THE_SAME = "*";

/** The words behind a verb are as its stories have them: a method, whose parameters are compared both ways. */
interface VerbMethod {
  does(scene: Scene, agent: string, given: unknown): Promise<unknown>;
}
type Verb = VerbMethod["does"];

function keyOf({ last }: Scene, key: string): string {
  last.key = key === THE_SAME ? last.key : key;
  return last.key;
}

function reference(scene: Scene, key: string): string {
  return `${scene.run}/${keyOf(scene, key)}`;
}

function holding(scene: Scene, key: string): { task: string; token: number } {
  const held = scene.held.get(keyOf(scene, key));
  if (held === undefined) throw new Error(`${key} is not held`);
  return held;
}

/** Claims the next task, which must be the one of the story; `*` takes any. */
async function take(scene: Scene, agent: string, [key]: [string]): Promise<string> {
  const { task, lease, reason } = await scene.call("claim_task", { agent, run: scene.run, fresh: true });
  if (task === undefined || lease === undefined) throw new Error(`${agent} got nothing in place of ${key}: ${reason}`);
  if (key !== THE_SAME && task.key !== key) throw new Error(`${agent} got ${task.key} in place of ${key}`);
  scene.held.set(task.key, { task: task.id, token: lease.token });
  scene.last.key = task.key;
  return task.key;
}

async function deadLetterOf(scene: Scene, key: string): Promise<string> {
  const { task } = await scene.call("get_task", { task: reference(scene, key) });
  const { dead_letters: all } = await scene.call("list_dead_letters", { run: scene.run });
  const found = all.find((one) => one.task.id === task.id);
  if (found === undefined) throw new Error(`${key} has no dead letter`);
  return found.id;
}

const work: Record<string, Verb> = {
  take,
  done: (scene, agent, [key, result]: [string, unknown?]) =>
    scene.call("complete_task", { agent, ...holding(scene, key), ...(result !== undefined && { result }) }),
  async fail(scene, agent, [key, type, message, partial, more = {}]: [string, string, string, unknown?, Data?]) {
    const left = partial === undefined || partial === null ? {} : { partial_result: partial };
    await scene.call("fail_task", { agent, ...holding(scene, key), error: { type, message }, ...left, ...more });
  },
  release: (scene, agent, [key, note]: [string, string]) =>
    scene.call("release_task", { agent, ...holding(scene, key), note }),
  note: (scene, agent, [key, note, percent]: [string, string, number?]) =>
    scene.call("report_progress", { agent, ...holding(scene, key), note, ...(percent && { percent }) }),
  async sweep(scene, agent, [count, result]: [number, Data]) {
    for (let at = 0; at < count; at++) {
      const key = await take(scene, agent, [THE_SAME]);
      await scene.call("complete_task", { agent, ...holding(scene, key), result: { ...result, at } });
    }
  },
  lock: (scene, agent, [key, ...paths]: [string, ...string[]]) =>
    scene.call("acquire_file_lock", { agent, task: holding(scene, key).task, paths }),
  lockfree: (scene, agent, [...paths]: [...string[]]) =>
    scene.call("acquire_file_lock", { agent, project: "story", paths }),
  put: (scene, agent, [key, name, content]: [string, string, string]) =>
    scene.call("put_artifact", { agent, task: reference(scene, key), name, content }),
  ends: ({ endProcess }) => endProcess(),
};

const talk: Record<string, Verb> = {
  async ask(scene, agent, [to, key, body]: [string, string, string]) {
    const { message } = await scene.call("send_message", {
      agent,
      to,
      task: reference(scene, key),
      type: "question",
      body,
    });
    scene.last.question = message.id;
  },
  answer: ({ call, last }, agent, [body]: [string]) => call("send_message", { agent, reply_to: last.question, body }),
  tell: (scene, agent, [to, key, body]: [string, string, string]) =>
    scene.call("send_message", { agent, to, task: reference(scene, key), type: "inform", body }),
  async escalate(scene, agent, [key, type, title, details]: [string, string, string, string?]) {
    const about = { task: reference(scene, key), type, title, ...(details && { details }) };
    scene.last.escalation = (await scene.call("escalate", { agent, ...about })).escalation.id;
  },
  decide: ({ call, last }, agent, [decision, note, conditions]: [string, string?, string[]?]) =>
    call("decide_escalation", { agent, id: last.escalation, decision, note, conditions }),
  async offer(scene, agent, [key, to, reason, context]: [string, string, string, Data?]) {
    const { handoff } = await scene.call("request_handoff", { agent, ...holding(scene, key), to, reason, context });
    scene.last.handoff = handoff.id;
  },
  async accept(scene, agent) {
    const { handoff, lease } = await scene.call("respond_handoff", {
      agent,
      handoff: scene.last.handoff,
      accept: true,
    });
    scene.held.set(scene.last.key, { task: handoff.task, token: lease?.token ?? 0 });
  },
  decline: ({ call, last }, agent, [note]: [string]) =>
    call("respond_handoff", { agent, handoff: last.handoff, accept: false, note }),
  async meet(scene, agent, [key, topic, participants, agenda]: [string, string, string[], string[]]) {
    const about = { task: reference(scene, key), topic, participants, agenda };
    scene.last.meeting = (await scene.call("create_meeting", { agent, ...about })).meeting.id;
  },
  post: ({ call, last }, agent, [position]: [string]) =>
    call("post_to_meeting", { agent, meeting: last.meeting, position }),
  close: ({ call, last }, agent, [decisions]: [string[]]) =>
    call("close_meeting", { agent, meeting: last.meeting, decisions }),
};

const control: Record<string, Verb> = {
  cancel: (scene, agent, [key, reason]: [string, string]) =>
    scene.call("cancel_task", { agent, task: reference(scene, key), reason }),
  modify: ({ call, run }, agent, [changes]: [Data[]]) => call("modify_run", { agent, run, changes }),
  control: ({ call, run }, agent, [action, reason]: [string, string?]) =>
    call("control_run", { agent, run, action, ...(reason && { reason }) }),
  signal: ({ call, run }, agent, [event, payload]: [string, Data]) => call("signal", { agent, run, event, payload }),
  async replay(scene, agent, [key, notes, changes]: [string, string, Data?]) {
    await scene.call("replay_dead_letter", { agent, id: await deadLetterOf(scene, key), notes, changes });
  },
  async resolve(scene, agent, [key, notes, result]: [string, string, Data]) {
    await scene.call("resolve_dead_letter", { agent, id: await deadLetterOf(scene, key), notes, result });
  },
  async discard(scene, agent, [key, notes]: [string, string]) {
    await scene.call("discard_dead_letter", { agent, id: await deadLetterOf(scene, key), notes });
  },
  async checkpoint({ call, run, last }, agent, [label]: [string]) {
    last.checkpoint = (await call("create_checkpoint", { agent, run, label })).checkpoint.id;
  },
  restore: ({ call, last }, agent) =>
    call("resume_from_checkpoint", { agent, checkpoint: last.checkpoint, as: "in_place" }),
  async approve(scene, person, [key, decision, note, conditions]: [string, string, string, string[]?]) {
    const { task } = await scene.call("get_task", { task: reference(scene, key) });
    await scene.asPerson(person, (call) => call("decide_escalation", { id: task.id, decision, note, conditions }));
  },
};

export const VERBS: Readonly<Record<string, Verb>> = { ...work, ...talk, ...control };
