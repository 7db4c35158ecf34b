import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { bearing, type HttpServer, startHttpServer } from "../support/http/http-server.js";
import { personsDatabase } from "../support/http/tokens.js";
import { resultOf } from "../support/servers/result-of.js";

const DEPLOY = path.resolve(import.meta.dirname, "../../deploy");
const ALERTS = path.join(DEPLOY, "prometheus/alerts.yml");
const DASHBOARD = path.join(DEPLOY, "grafana/baton.json");
/** The names that the founding documents and spec 07 give. */
const DOCUMENTED = [
  "orchestration_task_assignment_duration_seconds",
  "orchestration_load_balancing_efficiency_ratio",
  "orchestration_routing_accuracy_ratio",
  "orchestration_failure_recovery_duration_seconds",
  "orchestration_workflow_completion_rate",
  "orchestration_circuit_breaker_state",
  "orchestration_agent_utilization_ratio",
  "task_duration_seconds",
  "llm_tokens_total",
  "llm_cost_dollars",
  "queue_depth",
  "active_runs",
  "gate_pass_rate",
];
/** The document's six panels. */
const PANELS = [
  "Orchestration performance",
  "Load balancing efficiency",
  "Routing accuracy",
  "Failure recovery",
  "Circuit breakers",
  "Agent utilization",
];

const promtool = (args: readonly string[], input = "") => spawnSync("promtool", args, { input, encoding: "utf8" });
const hasPromtool = promtool(["--version"]).status === 0;
if (!hasPromtool) process.stderr.write("promtool is not there: metrics and rules are not checked by it\n");

async function scrape(server: HttpServer, query = ""): Promise<string> {
  const response = await fetch(`${server.origin}/metrics${query}`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, expect.stringContaining("0.0.4")]);
  return response.text();
}

const namesIn = (text: string) => new Set(Array.from(text.matchAll(/\bbaton_[a-z_]+/g), ([name]) => name));
const familiesIn = (text: string) => [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);

async function workDay(server: HttpServer): Promise<void> {
  await server.call("create_project", { name: "p" });
  const definition = {
    name: "w",
    steps: [
      { key: "a", prompt: "x", role: "coder" },
      { key: "g", kind: "gate", needs: ["a"], checks: ["true"] },
    ],
  };
  await server.call("register_agent", { name: "ann", roles: ["coder"] });
  await server.call("execute_workflow", { definition, project: "p" });
  const claimed = await server.call("claim_task", { project: "p", agent: "ann" });
  const { task, lease } = claimed.body as Record<string, Record<string, unknown>>;
  await server.call("route_task", { task: task!["id"], dry_run: true });
  const usage = { model: 'a "model"', input_tokens: 100, output_tokens: 10, cost: 0.25 };
  const end = { task: task!["id"], token: lease!["token"], agent: "ann", result: {}, usage };
  expect((await server.call("complete_task", end)).status).toBe(200);
  await server.call("report_failure", { type: "agent_crashed", severity: "high", agent: "ann" });
}

describe.each(BACKENDS)("the metrics, on %s", (backend) => {
  test("count what any process did since they were asked for first, and show the state as it is", async () => {
    const { location: database } = await createDatabase(backend);
    const [one, other] = [await startHttpServer({ database }), await startHttpServer({ database })];
    expect(await scrape(one)).toContain("baton_active_runs 0");
    await workDay(other);
    const text = await scrape(one);
    for (const line of [
      'baton_tasks_total{outcome="succeeded"} 2',
      'baton_task_duration_seconds_count{role="coder"} 1',
      'baton_task_duration_seconds_bucket{role="coder",le="+Inf"} 1',
      "baton_task_assignment_duration_seconds_count 1",
      "baton_gate_pass_rate 1",
      "baton_workflow_completion_rate 1",
      'baton_llm_tokens_total{model="a \\"model\\"",direction="input"} 100',
      'baton_llm_cost_dollars{model="a \\"model\\""} 0.25',
      'baton_queue_depth{queue="ready"} 0',
      'baton_circuit_breaker_state{target="agent:ann"} 0',
      'baton_agent_utilization_ratio{agent="ann"} 0',
      "baton_load_balancing_efficiency_ratio 1",
    ])
      expect(text).toContain(`${line}\n`);
    expect(await scrape(one)).toContain('baton_tasks_total{outcome="succeeded"} 2\n');
  });
});

test("moved work, found failures, choices, dependencies and width are measured from the history", async () => {
  const server = await startHttpServer({ env: { BATON_LEASE_MS: "3000" } });
  await scrape(server);
  await server.call("create_project", { name: "p" });
  for (const name of ["ann", "bob"]) await server.call("register_agent", { name, roles: ["coder"] });
  const step = { prompt: "x", role: "coder", retry: { initial_interval_ms: 1 } };
  const steps = [
    { key: "a", ...step },
    { key: "b", ...step, needs: ["a"] },
  ];
  const started = await server.call("execute_workflow", { definition: { name: "w", steps }, project: "p" });
  const { run } = resultOf("execute_workflow", started.body);
  await server.call("route_task", { task: `${run.id}/a`, candidates: ["ann"], dry_run: false });
  await server.call("assign_task", { task: `${run.id}/a`, agent: "bob" });
  const claim = async (agent: string) => {
    const { body } = await server.call("claim_task", { project: "p", agent, wait_seconds: 10 });
    const { task, lease } = resultOf("claim_task", body);
    return { task: task?.id, token: lease?.token, agent };
  };
  const failing = await claim("bob");
  await server.call("fail_task", { ...failing, error: { type: "x", message: "y" } });
  await server.call("complete_task", { ...(await claim("ann")), result: {} });
  await scrape(server);
  await server.call("route_task", { task: `${run.id}/b`, candidates: ["bob"], dry_run: false });
  // Its lease runs out, and another agent takes the task over.
  await claim("bob");
  await server.call("complete_task", { ...(await claim("ann")), result: {} });
  const text = await scrape(server);
  for (const line of [
    "baton_rebalanced_total 1",
    "baton_failure_detection_seconds_count 2",
    "baton_routing_fallback_ratio 0.5",
    "baton_routing_match_ratio 1",
    'baton_reassigned_total{outcome="succeeded"} 1',
    "baton_dependency_resolution_seconds_count 1",
  ])
    expect(text).toContain(`${line}\n`);
  const valueOf = (name: string) => Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
  expect(valueOf("baton_parallel_efficiency_ratio")).toBeGreaterThan(0);
  expect(valueOf("baton_parallel_efficiency_ratio")).toBeLessThanOrEqual(1);
  const { body } = await server.call("list_events", { run: run.id, types: ["task.routed"] });
  const [ofAnn, ofBob] = resultOf("list_events", body).events.map(({ data }) => Number(data["success"]));
  expect(valueOf("baton_routing_prediction_error")).toBeCloseTo(((1 - ofAnn!) ** 2 + ofBob! ** 2) / 2, 6);
  const sent = valueOf('baton_bytes_total\\{transport="http",direction="out"\\}');
  expect(sent).toBeGreaterThan(text.length / 2);
  const later = await scrape(server);
  expect(later).not.toContain(`direction="out"} ${sent}\n`);
});

describe("a reader of the metrics", () => {
  test("has the documents' names by a setting, and by it alone", async () => {
    const server = await startHttpServer();
    expect(await scrape(server)).not.toContain("orchestration_");
    await server.call("configure", { settings: { metrics_names: "documents" } });
    expect(await scrape(server)).toContain("orchestration_load_balancing_efficiency_ratio");
    expect(await scrape(server, "?names=own")).not.toContain("orchestration_");
  });

  test("shows a token where the server asks everybody for one", async () => {
    const { database, token, env } = await personsDatabase();
    const worker = await token("worker");
    const server = await startHttpServer({ database, env, args: ["--public-url", "https://baton.example"] });
    const answers = [{}, bearing("baton_wrong"), bearing(worker)].map(async (headers) => {
      const { status } = await fetch(`${server.origin}/metrics`, { headers });
      return status;
    });
    expect(await Promise.all(answers)).toEqual([401, 401, 200]);
  });

  test("finds each name that the alerts and the dashboard ask for, and those of the documents", async () => {
    const server = await startHttpServer();
    const text = await scrape(server, "?names=documents");
    const families = familiesIn(text);
    expect(families).toEqual(expect.arrayContaining(DOCUMENTED));
    expect(familiesIn(await scrape(server)).filter((name) => !name!.startsWith("baton_"))).toEqual([]);
    const known = new Set(families.flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]));
    const dashboard = JSON.parse(readFileSync(DASHBOARD, "utf8")) as {
      panels: { title: string; targets: { expr: string }[] }[];
    };
    expect(dashboard.panels.map(({ title }) => title)).toEqual(expect.arrayContaining(PANELS));
    const asked = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join("\n");
    for (const source of [asked, readFileSync(ALERTS, "utf8")]) {
      const names = [...namesIn(source)];
      expect(names.length).toBeGreaterThan(5);
      expect(names.filter((name) => !known.has(name))).toEqual([]);
    }
  });

  test.runIf(hasPromtool)("is satisfied with them: promtool finds nothing in metrics and rules", async () => {
    const server = await startHttpServer();
    await scrape(server);
    await workDay(server);
    const metrics = promtool(["check", "metrics"], await scrape(server, "?names=documents"));
    expect([metrics.status, metrics.stdout + metrics.stderr]).toEqual([0, ""]);
    expect(promtool(["check", "rules", ALERTS])).toMatchObject({ status: 0 });
  });

  test("is refused names that there are not", async () => {
    const server = await startHttpServer();
    expect((await fetch(`${server.origin}/metrics?names=x`)).status).toBe(400);
  });
});
