/**
 * A team at work for the pictures of the dashboard: real runs by real operations. `at` is the instant to which each part moves the
 * server's clock, in minutes before now.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const AGENTS = [
  ["claude-code-1", ["backend"], ["typescript", "postgresql"]],
  ["claude-code-2", ["frontend"], ["typescript", "css"]],
  ["codex-1", ["backend"], ["typescript"]],
  ["codex-2", ["tester"], ["playwright"]],
  ["cursor-1", ["frontend"], ["react", "css"]],
  ["gemini-1", ["code_reviewer"], ["typescript"]],
  ["goose-1", ["operations"], ["postgresql", "terraform"]],
];

// oxlint-disable-next-line max-params -- a table of steps, read by its columns
const step = (key, title, role, needs = [], more = {}) => ({ key, title, prompt: `${title}.`, role, needs, ...more });

const CHECKOUT = [
  step("design", "Design the guest checkout", "frontend"),
  step("schema", "Tables for orders and addresses", "backend", [], { files: { write: ["db/orders.sql"] } }),
  step("prices", "Sum prices in cents", "backend", [], { files: { write: ["src/cart.ts"] }, review: { by: "human" } }),
  step("orders", "Store orders", "backend", ["schema"], { files: { write: ["src/orders.ts"] } }),
  step("addresses", "Check addresses", "backend", ["schema"], { files: { write: ["src/addresses.ts"] } }),
  step("cart-page", "Cart page", "frontend", ["design", "prices"], { files: { write: ["src/pages/cart.tsx"] } }),
  step("address-page", "Address page", "frontend", ["design", "addresses"], {
    files: { write: ["src/pages/address.tsx"] },
  }),
  step("payment", "Payment by card and invoice", "backend", ["orders"], { files: { write: ["src/payment.ts"] } }),
  step("payment-page", "Payment page", "frontend", ["design", "payment"]),
  step("mails", "Confirmation mails", "backend", ["orders"], { files: { write: ["src/mails.ts"] } }),
  step("stock", "Reserve stock while paying", "backend", ["orders"], { files: { write: ["src/stock.ts"] } }),
  step("load-test", "Load test of the order API", "tester", ["payment", "stock"]),
  step("e2e", "Try the whole way in a browser", "tester", ["cart-page", "address-page", "payment-page", "mails"]),
  step("docs", "Describe the checkout API", "backend", ["payment", "addresses"]),
  {
    key: "release",
    title: "Release the checkout",
    needs: ["e2e", "load-test", "docs"],
    kind: "human",
    ask: "Release the guest checkout to all customers?",
  },
];
/** How far each task of the checkout gets, in order: minutes before now of its claim and of its end. */
const WORK = [
  ["claude-code-2", "design", 188, 171],
  ["claude-code-1", "schema", 187, 160],
  ["codex-1", "prices", 185, 138],
  ["claude-code-1", "orders", 158, 117],
  ["codex-1", "addresses", 136, 96],
  ["claude-code-1", "payment", 115, 61],
  ["codex-1", "mails", 94, 38],
  ["cursor-1", "address-page", 92, undefined],
  ["claude-code-2", "payment-page", 57, undefined],
  ["claude-code-1", "stock", 52, undefined],
  ["codex-1", "docs", 31, undefined],
];

/** Makes the team in a directory, which becomes the root of its project. Returns the run that is shown. */
export async function makeTeam({ ask, at, directory }) {
  repository(directory);
  at(26 * 60);
  await ask("create_project", { name: "shop", root: directory });
  for (const [name, roles, capabilities] of AGENTS) await ask("register_agent", { name, roles, capabilities });
  await ask("set_budget", { scope: "global", limit: 60 });
  await nightly(ask, at);
  at(240);
  const migration = await start(ask, "goose-1", { name: "database-upgrade", steps: MIGRATION });
  at(190);
  const checkout = await start(ask, "claude-code-1", { name: "guest-checkout", steps: CHECKOUT });
  const events = WORK.flatMap(([agent, key, from, to]) => [
    { minute: from, act: () => claim(ask, checkout, { agent, key }) },
    ...(to === undefined ? [] : [{ minute: to, act: () => complete(ask, checkout, { agent, key, directory }) }]),
  ]);
  events.push({ minute: 150, act: () => dumpFails(ask, migration) });
  for (const { minute, act } of events.toSorted((a, b) => b.minute - a.minute)) {
    at(minute);
    await act();
  }
  await talk(ask, at);
  at(0);
  return checkout;
}

const MIGRATION = [
  step("dump", "Dump the production database", "operations", [], { retry: { max_attempts: 1 } }),
  step("restore", "Restore it on PostgreSQL 18", "operations", ["dump"]),
  step("compare", "Compare row counts", "operations", ["restore"]),
  {
    key: "window",
    title: "Choose a maintenance window",
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

function repository(directory) {
  const git = (...args) => execFileSync("git", ["-C", directory, ...args], { stdio: "ignore" });
  mkdirSync(path.join(directory, "src"), { recursive: true });
  writeFileSync(path.join(directory, "src/cart.ts"), cart("prices: number[]", "prices", ""));
  git("init", "-q");
  git("add", ".");
  git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "The shop as it is");
}

const cart = (parameter, name, initial) =>
  `export function total(${parameter}): number {\n  return ${name}.reduce((sum, price) => sum + price${initial});\n}\n`;

async function start(ask, agent, { name, steps }) {
  const { run } = await ask("execute_workflow", { project: "shop", definition: { name, steps }, agent });
  return run.id;
}

const held = new Map();

async function claim(ask, run, { agent, key }) {
  const { tasks } = await ask("list_tasks", { run, limit: 50 });
  const { id } = tasks.find((task) => task.key === key);
  await ask("assign_task", { task: id, agent });
  const { lease, task } = await ask("claim_task", { agent, run, fresh: true });
  if (task?.id !== id) throw new Error(`${agent} got ${task?.key}, not ${key}`);
  held.set(key, { task: id, token: lease.token, agent });
}

async function complete(ask, run, { agent, key, directory }) {
  const { task, token } = held.get(key);
  if (key === "prices") {
    const text = `/** The sum of prices in cents. */\n${cart("cents: readonly number[]", "cents", ", 0")}`;
    writeFileSync(path.join(directory, "src/cart.ts"), text);
  }
  const size = key.length;
  await ask("record_usage", {
    task,
    agent,
    model: size % 2 ? "claude-sonnet-4-5" : "gpt-5.1-codex",
    input_tokens: 40_000 * size,
    output_tokens: 3_100 * size,
    cost: 0.43 * size,
  });
  await ask("complete_task", { task, token, agent, result: { done: key } });
}

async function dumpFails(ask, run) {
  await claim(ask, run, { agent: "goose-1", key: "dump" });
  const error = { type: "disk_full", message: "No space left on /backup after 41 GB" };
  await ask("fail_task", { ...held.get("dump"), retryable: false, error });
}

async function nightly(ask, at) {
  const steps = [
    step("lint", "Lint", "tester"),
    step("unit", "Unit tests", "tester"),
    step("e2e", "Browser tests", "tester"),
  ];
  await ask("create_workflow", { project: "shop", definition: { name: "nightly-checks", steps } });
  const nightlyAt = { project: "shop", workflow: "nightly-checks", cron: "0 3 * * *", timezone: "Europe/Berlin" };
  await ask("schedule_workflow", { ...nightlyAt, agent: "codex-2" });
  await ask("schedule_workflow", { ...nightlyAt, name: "weekly-audit", cron: "0 6 * * MON", agent: "codex-2" });
  const run = await start(ask, "codex-2", { name: "nightly-checks", steps });
  let minute = 25 * 60;
  for (const { key } of steps) {
    at(minute);
    await claim(ask, run, { agent: "codex-2", key });
    at((minute -= 7));
    await ask("complete_task", { ...held.get(key), result: { ok: true } });
  }
}

async function talk(ask, at) {
  at(24);
  const shop = { project: "shop" };
  await ask("send_message", {
    ...shop,
    agent: "claude-code-1",
    to: "all",
    body: "The order API is frozen until the load test is done.",
  });
  await ask("report_progress", {
    ...held.get("address-page"),
    percent: 70,
    note: "Form and checks stand, errors are missing",
  });
  await ask("report_progress", { ...held.get("stock"), percent: 35, note: "Reservation expires after 15 min" });
  at(12);
  await ask("send_message", {
    ...shop,
    agent: "cursor-1",
    to: "#design",
    subject: "Errors",
    body: "Do errors stand beside the field or on top?",
    type: "question",
  });
  await ask("report_progress", { ...held.get("payment-page"), percent: 55, note: "Card works, invoice next" });
  await ask("report_progress", { ...held.get("docs"), percent: 20, note: "Addresses are described" });
  for (const agent of ["codex-1", "gemini-1"])
    await ask("acquire_file_lock", { ...shop, agent, paths: ["src/stock.ts"], wait_seconds: 0 });
  at(6);
  await ask("escalate", {
    type: "ambiguous_requirement",
    priority: "critical",
    title: "May a guest order on invoice?",
    details:
      "The plan says “every customer”, the shop's terms ask for an account where it is paid later. Without an answer the form offers cards alone.",
    agent: "claude-code-2",
    task: held.get("payment-page").task,
  });
}
