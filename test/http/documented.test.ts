import { describe, expect, test } from "vitest";
import { shared } from "../support/lifetime.js";
import { bodyOf, type HttpAnswer, JSON_BODY, startHttpServer } from "../support/http/http-server.js";

const FAILURE = { failure_type: "AGENT_UNRESPONSIVE", severity: "HIGH", agent_id: "ben" };

describe("an address of the founding documents", () => {
  const server = shared(() => startHttpServer());
  const ask = async (method: string, path: string, body?: object): Promise<HttpAnswer> => {
    const url = `${server().origin}/api/v1/orchestration/${path}`;
    const init = body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_BODY };
    const response = await fetch(url, { method, ...init });
    return { status: response.status, headers: response.headers, body: await bodyOf(response) };
  };

  test("starts a workflow as they write it, and assigns its task to the best agent", async () => {
    const agent = { name: "ann", capabilities: ["python", "fastapi"] };
    await server().call("register_agent", agent);
    const started = await ask("POST", "workflow/execute", {
      workflow_id: "advanced-workflow-123",
      name: "Advanced Development Workflow",
      description: "Complex multi-step development workflow",
      execution_mode: "adaptive",
      optimization_goal: "balance_all",
      tasks: [
        {
          task_id: "task1",
          task_type: "code_generation",
          name: "Generate API",
          dependencies: [],
          required_capabilities: ["python", "fastapi"],
          estimated_duration_minutes: 30,
        },
        { task_id: "task2", task_type: "code_review", name: "Review it", dependencies: ["task1"] },
      ],
    });
    expect([started.status, started.body]).toMatchObject([
      200,
      {
        run: { name: "advanced-workflow-123", counts: { total: 2 } },
        ready: [{ key: "task1", title: "Generate API" }],
      },
    ]);
    const [ready] = started.body["ready"] as { id: string }[];
    const assigned = await ask("POST", "task/assign", {
      task_id: ready!.id,
      task_type: "code_review",
      routing_strategy: "persona_cognitive_match",
      creativity_requirements: 0.3,
      analytical_depth: 0.8,
      expected_quality_threshold: 0.9,
    });
    expect([assigned.status, assigned.body]).toMatchObject([
      200,
      { assigned: "ann", task_type: "code_review", strategy: "persona_cognitive_match" },
    ]);
  });

  test.each([
    { method: "POST", path: "failure/handle", body: FAILURE, field: "actions" },
    { method: "POST", path: "load-balancing/optimize", body: {}, field: "moves" },
    { method: "GET", path: "circuit-breakers", field: "breakers" },
    { method: "GET", path: "recovery/predict", field: "predictions" },
    { method: "GET", path: "metrics", field: "orchestration_metrics" },
    { method: "GET", path: "health", field: "components" },
  ])("answers $method $path as its operation does", async ({ method, path, body, field }) => {
    await server().call("register_agent", { name: "ben" });
    const { status, body: answer, headers } = await ask(method, path, body);
    expect([status, Object.keys(answer)]).toEqual([200, expect.arrayContaining([field])]);
    expect(headers.get("x-request-id")).toMatch(/^request_/);
  });

  test("takes its parameters from the query where it is read, and keeps what a person alone may do", async () => {
    expect((await ask("GET", "recovery/predict?agent=nobody")).status).toBe(404);
    expect((await ask("GET", "circuit-breakers?targte=x")).body["detail"]).toContain("target");
    expect((await ask("GET", "performance/validate")).status).toBe(403);
  });

  test("that is none is refused with the nearest, and one that is asked for by another method with its own", async () => {
    const missed = await ask("GET", "circuit-braekers");
    expect([missed.status, missed.body["detail"]]).toEqual([404, expect.stringContaining("circuit-breakers")]);
    const wrong = await ask("GET", "task/assign");
    expect([wrong.status, wrong.body["detail"]]).toEqual([404, expect.stringContaining("POST")]);
  });
});
