import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Ask } from "./busy-team.js";
import { repository } from "./busy-team.js";

/** A text that would run, load something from elsewhere, leave its element, or hide and turn what stands beside it. */
export const HOSTILE = [
  `"'><img src="https://elsewhere.example/x.png" onerror="window.ran = 1">`,
  "<script>window.ran = 1</script><svg onload='window.ran = 1'><iframe srcdoc='<script>top.ran = 1</script>'></iframe>",
  "</textarea></style><style>body { display: none }</style>",
  "[click](javascript:window.ran=1) javascript:window.ran=1 {{7*7}} ${7*7}",
  "fdp.\u202Eexe\u200B",
].join(" ");
/** Its end, as it is seen wherever it is shown in full. */
export const HOSTILE_SHOWN = String.raw`fdp.\u202eexe\u200b`;
const HOSTILE_PATH = "src/<img src=x onerror=top.ran=1>\u202E.ts";

export interface HostileRun {
  readonly run: string;
  readonly tasks: readonly string[];
}

/** A project in which every text that agents and people write is hostile, with work in all states that a view shows. */
export async function hostileTexts(ask: Ask, directory: string): Promise<HostileRun> {
  repository(directory);
  await ask("create_project", { name: "shop", root: directory });
  for (const name of ["ada", "ben"]) await ask("register_agent", { name, persona: { description: HOSTILE } });
  const text = { title: HOSTILE, prompt: HOSTILE };
  const steps = [
    { key: "done", ...text },
    { key: "failed", ...text, needs: ["done"] },
    { key: "reviewed", ...text, needs: ["done"], review: { by: "human" }, files: { write: [HOSTILE_PATH] } },
    { key: "held", ...text, needs: ["done"] },
    { key: "asked", title: HOSTILE, kind: "human", ask: HOSTILE, form: FORM },
  ];
  const definition = { name: "hostile", description: HOSTILE, steps };
  await ask("create_workflow", { project: "shop", definition });
  await ask("schedule_workflow", { project: "shop", workflow: "hostile", cron: "0 3 * * *", agent: "ada" });
  const { run } = await ask("execute_workflow", { project: "shop", definition, agent: "ada" });
  const claim = async () => {
    const { task, lease } = await ask("claim_task", { agent: "ben", run: run.id, fresh: true });
    return { task: task!.id, token: lease!.token, agent: "ben", key: task!.key };
  };
  for (let claimed = 0; claimed < 4; claimed++) {
    const { key, ...held } = await claim();
    await work(ask, { key, held, directory });
  }
  await say(ask, held(await ask("list_tasks", { run: run.id })));
  const { tasks } = await ask("list_tasks", { run: run.id });
  return { run: run.id, tasks: tasks.map(({ id }) => id) };
}

const FORM = {
  properties: {
    choice: { type: "string", title: HOSTILE, description: HOSTILE, enum: [HOSTILE, "no"] },
    words: { type: "string", title: HOSTILE, default: HOSTILE },
  },
  required: ["choice"],
};

const held = ({ tasks }: { readonly tasks: readonly { readonly id: string; readonly key: string }[] }) =>
  tasks.find(({ key }) => key === "held")!.id;

interface Work {
  readonly key: string;
  readonly held: { readonly task: string; readonly token: number; readonly agent: string };
  readonly directory: string;
}

async function work(ask: Ask, { key, held: lease, directory }: Work): Promise<void> {
  if (key === "done") await ask("complete_task", { ...lease, result: { [HOSTILE]: HOSTILE } });
  if (key === "failed") {
    const error = { type: "bad", message: HOSTILE, stack: `Error: ${HOSTILE}` };
    await ask("fail_task", { ...lease, retryable: false, error });
  }
  if (key === "held") await ask("report_progress", { ...lease, percent: 10, note: HOSTILE });
  if (key === "reviewed") {
    mkdirSync(path.join(directory, "src"), { recursive: true });
    writeFileSync(path.join(directory, HOSTILE_PATH), `${HOSTILE}\n`);
    await ask("record_usage", {
      task: lease.task,
      agent: lease.agent,
      model: "claude-opus-4-5",
      input_tokens: 10,
      output_tokens: 10,
      cost: 1,
    });
    await ask("complete_task", { ...lease, result: { summary: HOSTILE, files: { write: [HOSTILE_PATH] } } });
  }
}

async function say(ask: Ask, task: string): Promise<void> {
  const message = {
    subject: HOSTILE.slice(-60),
    body: HOSTILE,
    data: { [HOSTILE]: HOSTILE },
    agent: "ada",
    project: "shop",
  };
  await ask("send_message", { ...message, to: "all" });
  await ask("send_message", { ...message, to: "#design", task });
  await ask("escalate", {
    type: "quality_concern",
    title: HOSTILE.slice(-190),
    details: HOSTILE,
    priority: "critical",
    agent: "ada",
    task,
  });
  await ask("acquire_file_lock", {
    paths: [HOSTILE_PATH, "src/other.ts"],
    agent: "ada",
    project: "shop",
    wait_seconds: 0,
  });
}
