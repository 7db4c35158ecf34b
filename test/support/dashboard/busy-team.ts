import type { TypedCall } from "../servers/typed-call.js";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Calls an operation over HTTP. Throws where it is refused. */
export type Ask = TypedCall<never>;

interface Claimed {
  readonly task: string;
  readonly token: number;
  readonly agent: string;
}

/** A team at work, as the page shows it: a project in git, runs in several states, and all kinds of things that wait for a person. */
export interface BusyTeam {
  readonly project: string;
  readonly checkout: string;
  readonly migration: string;
}

const FILES = {
  "src/cart.ts":
    "export function total(prices: number[]): number {\n  return prices.reduce((sum, price) => sum + price);\n}\n",
  "src/api.ts": 'export const routes = ["/cart", "/orders"];\n',
};

/** Makes the team at work. `directory` becomes the root of its project. */
export async function busyTeam(ask: Ask, directory: string): Promise<BusyTeam> {
  repository(directory);
  await ask("create_project", { name: "shop", root: directory });
  for (const [name, roles, capabilities] of AGENTS)
    await ask("register_agent", { name, roles: [...roles], capabilities: [...capabilities] });
  const checkout = await checkoutRun(ask, directory);
  const migration = await migrationRun(ask);
  await doneRun(ask);
  await schedules(ask);
  await ask("set_budget", { scope: "project", project: "shop", limit: 10 });
  await ask("send_message", {
    to: "all",
    body: "The order API is frozen until Friday.",
    agent: "ada",
    project: "shop",
  });
  await ask("send_message", {
    to: "#design",
    subject: "Cart",
    body: "Do empty carts keep their coupon?",
    type: "question",
    agent: "ben",
    project: "shop",
  });
  return { project: "shop", checkout, migration };
}

const AGENTS = [
  ["ada", ["backend"], ["typescript", "postgresql"]],
  ["ben", ["frontend"], ["typescript", "css"]],
  ["cleo", ["code_reviewer"], ["typescript"]],
  ["dan", ["data"], ["postgresql"]],
  ["eve", ["operations"], ["terraform"]],
] as const;

/** A repository with two files, as a project has them. */
export function repository(directory: string): void {
  const git = (...args: string[]) => execFileSync("git", ["-C", directory, ...args], { stdio: "ignore" });
  mkdirSync(path.join(directory, "src"), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(path.join(directory, name), text);
  git("init", "-q");
  git("add", ".");
  git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "The shop as it is");
}

async function claim(ask: Ask, agent: string, run: string): Promise<Claimed> {
  const { task, lease } = await ask("claim_task", { agent, run, fresh: true });
  if (task === undefined || lease === undefined) throw new Error(`${agent} got no task of ${run}`);
  return { task: task.id, token: lease.token, agent };
}

async function checkoutRun(ask: Ask, directory: string): Promise<string> {
  const steps = [
    { key: "design", title: "Design the checkout", prompt: "Draw up the checkout.", role: "frontend" },
    {
      key: "prices",
      title: "Sum prices without floats",
      prompt: "Prices in cents.",
      role: "backend",
      needs: ["design"],
      files: { write: ["src/cart.ts"] },
      review: { by: "human" },
    },
    {
      key: "orders",
      title: "Store orders",
      prompt: "A table of orders.",
      role: "data",
      needs: ["design"],
      files: { write: ["src/orders.ts"] },
    },
    {
      key: "form",
      title: "Checkout form",
      prompt: "The form.",
      role: "frontend",
      needs: ["design"],
      files: { write: ["src/form.tsx"] },
    },
    { key: "mails", title: "Confirmation mails", prompt: "Mail after an order.", role: "backend", needs: ["orders"] },
    {
      key: "e2e",
      title: "Try the whole way",
      prompt: "Try it in a browser.",
      role: "frontend",
      needs: ["prices", "form", "mails"],
    },
    {
      key: "release",
      title: "Release the checkout",
      kind: "human",
      ask: "Release the checkout to all customers?",
      needs: ["e2e"],
    },
  ];
  const definition = { name: "checkout", steps };
  const { run } = await ask("execute_workflow", { project: "shop", definition, agent: "ada" });
  const design = await claim(ask, "ben", run.id);
  await ask("record_usage", {
    task: design.task,
    model: "claude-sonnet-4-5",
    input_tokens: 182_000,
    output_tokens: 21_000,
    cost: 0.86,
    agent: "ben",
  });
  await ask("complete_task", { ...design, result: { pages: ["cart", "address", "payment"] } });
  const prices = await claim(ask, "ada", run.id);
  writeFileSync(
    path.join(directory, "src/cart.ts"),
    "/** The sum of prices in cents. */\nexport function total(cents: readonly number[]): number {\n  return cents.reduce((sum, price) => sum + price, 0);\n}\n",
  );
  await ask("record_usage", {
    task: prices.task,
    model: "claude-opus-4-5",
    input_tokens: 96_000,
    output_tokens: 12_500,
    cost: 2.4,
    agent: "ada",
  });
  await ask("complete_task", { ...prices, result: { files: { write: ["src/cart.ts"] } } });
  const orders = await claim(ask, "dan", run.id);
  await ask("report_progress", {
    task: orders.task,
    token: orders.token,
    agent: "dan",
    percent: 40,
    note: "the table stands",
  });
  const form = await claim(ask, "ben", run.id);
  await ask("report_progress", {
    task: form.task,
    token: form.token,
    agent: "ben",
    percent: 70,
    note: "address and payment done",
  });
  await ask("acquire_file_lock", { paths: ["src/orders.ts"], agent: "ada", project: "shop", wait_seconds: 0 });
  await ask("escalate", {
    type: "ambiguous_requirement",
    priority: "critical",
    title: "May a guest check out without an account?",
    details:
      "The plan says “every customer”, the shop's terms speak of accounts. Without an answer the form asks for an account.",
    agent: "ben",
    task: form.task,
  });
  return run.id;
}

async function migrationRun(ask: Ask): Promise<string> {
  const steps = [
    {
      key: "dump",
      title: "Dump the old database",
      prompt: "Dump it.",
      role: "operations",
      retry: { max_attempts: 2 },
    },
    { key: "load", title: "Load the dump", prompt: "Load it.", role: "operations", needs: ["dump"] },
    { key: "check", title: "Compare row counts", prompt: "Compare.", role: "operations", needs: ["load"] },
    {
      key: "window",
      title: "Choose a time",
      kind: "human",
      ask: "When may the shop be closed for the move?",
      form: {
        properties: {
          when: { type: "string", enum: ["tonight", "on Sunday"] },
          hours: { type: "integer", minimum: 1, maximum: 8 },
        },
        required: ["when"],
      },
    },
  ];
  const { run } = await ask("execute_workflow", {
    project: "shop",
    definition: { name: "migration", steps },
    agent: "dan",
  });
  const dump = await claim(ask, "eve", run.id);
  await ask("fail_task", {
    ...dump,
    retryable: false,
    error: {
      type: "disk_full",
      message: "No space left on /backup after 41 GB",
      stack: "Error: ENOSPC: no space left on device, write\n    at dump (/srv/jobs/dump.ts:88:11)",
    },
  });
  return run.id;
}

async function doneRun(ask: Ask): Promise<void> {
  const steps = ["lint", "test"].map((key) => ({ key, title: `Run ${key}`, prompt: key, role: "backend" }));
  const { run } = await ask("execute_workflow", {
    project: "shop",
    definition: { name: "nightly-checks", steps },
    agent: "ada",
  });
  for (let claimed = 0; claimed < steps.length; claimed++) {
    const held = await claim(ask, "ada", run.id);
    await ask("complete_task", { ...held, result: { ok: true } });
  }
}

async function schedules(ask: Ask): Promise<void> {
  const definition = { name: "backup", steps: [{ key: "dump", prompt: "Dump the shop.", role: "operations" }] };
  await ask("create_workflow", { project: "shop", definition });
  const nightly = { project: "shop", workflow: "backup", timezone: "Europe/Berlin", agent: "eve" };
  await ask("schedule_workflow", { ...nightly, cron: "0 3 * * *" });
  await ask("schedule_workflow", { ...nightly, name: "weekly-copy", cron: "30 5 * * MON" });
  await ask("pause_schedule", { project: "shop", schedule: "weekly-copy", agent: "eve" });
}
