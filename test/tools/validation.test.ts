import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

const TOKEN = ["ghp", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"].join("_");

async function demo() {
  const app = await startApp();
  await app.call("create_project", { name: "demo", root: app.cwd });
  return { app, crew: new Crew(app) };
}

describe("validate_artifact", () => {
  test("finds a planted secret and broken code in an artifact of a task, worst first, and repeats no secret", async () => {
    const { app, crew } = await demo();
    const { run } = await crew.start([{ key: "code" }], { project: "demo" });
    const content = `// mail jon.doe@gmail.com\nconst token = "${TOKEN}";\nconst a = ;\n`;
    const put = await app.call("put_artifact", { task: `${run.id}/code`, name: "a.ts", content });
    const found = await app.call("validate_artifact", { artifact: put.artifact.id });
    expect(found).toMatchObject({
      type: "code",
      passed: false,
      critical: true,
      artifact: { name: "a.ts", version: 1 },
    });
    expect(found.issues.map(({ check, severity, where }) => [check, severity, where])).toEqual([
      ["syntax", "critical", "line 3"],
      ["secrets", "critical", "line 2"],
      ["personal_data", "minor", "line 1"],
    ]);
    expect(JSON.stringify(found)).not.toContain(TOKEN.slice(6));
    expect(found.issues.every(({ suggestion }) => suggestion !== undefined)).toBe(true);
    expect(found.criteria.map(({ key }) => key)).toEqual(["style", "correctness", "error_handling"]);
    expect(found.checks).toEqual(["syntax", "error_handling", "conflict_marks", "secrets", "personal_data"]);
    const only = await app.call("validate_artifact", { artifact: "a.ts", run: run.id, criteria: ["secrets"] });
    expect(only.issues).toHaveLength(1);
  });

  test.each([
    [
      "junit.xml",
      '<testsuite tests="1" failures="1"><testcase name="a"><failure message="no"/></testcase></testsuite>',
    ],
    [
      "build/TEST-api.xml",
      '<testsuite tests="1" failures="1"><testcase name="a"><failure message="no"/></testcase></testsuite>',
    ],
    ["report.tap", "1..1\nnot ok 1 - adds\n"],
  ])("knows a test report by its name: %s", async (name, content) => {
    const { app } = await demo();
    const found = await app.call("validate_artifact", { name, content });
    expect(found).toMatchObject({ type: "test_report", passed: false });
  });

  test("refuses a type or a check that is none, with the nearest name, and takes an artifact's own type", async () => {
    const { app } = await demo();
    const refused = (input: object, message: string) =>
      expect(app.callUnchecked("validate_artifact", { content: "# T\n", ...input })).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining(message),
      });
    await refused({ type: "requirments" }, 'Unknown type "requirments" (did you mean "requirements"?)');
    await refused({ name: "a.md", criteria: ["secretes"] }, 'Unknown check "secretes" (did you mean "secrets"?)');
    const put = await app.call("put_artifact", { name: "q3", type: "report", content: "fine", project: "demo" });
    const { type, passed } = await app.call("validate_artifact", { artifact: put.artifact.id, type: "report" });
    expect({ type, passed }).toEqual({ type: "report", passed: true });
    const dropped = { name: "a.ts", content: "try { f(); } catch {}\n", criteria: ["error_handling"] };
    expect((await app.call("validate_artifact", dropped)).issues).toMatchObject([{ check: "error_handling" }]);
  });

  test("checks a content that was not put, in the language that its caller names", async () => {
    const { app } = await demo();
    const given = { type: "code", content: "def f(:\n  pass\n", project: "demo" };
    expect((await app.call("validate_artifact", { ...given, context: { language: "python" } })).critical).toBe(true);
    expect((await app.call("validate_artifact", { ...given, name: "f.txt" })).passed).toBe(true);
    const covered = { type: "coverage", content: "SF:a.ts\nDA:1,1\nDA:2,1\nDA:3,0\nend_of_record\n", project: "demo" };
    expect(await app.call("validate_artifact", covered)).toMatchObject({
      passed: false,
      figures: { line_coverage: 66.6 },
    });
    expect(await app.call("validate_artifact", { ...covered, context: { coverage_min: 60 } })).toMatchObject({
      passed: true,
    });
    expect((await app.call("list_artifacts", { project: "demo" })).artifacts).toEqual([]);
  });

  test("follows the links of a document to the files beside it", async () => {
    const { app } = await demo();
    mkdirSync(path.join(app.cwd, "docs"));
    writeFileSync(
      path.join(app.cwd, "docs/a.md"),
      "# A\n\n[b](b.md) [c](c.md) [up](../README.md) [out](../../../x.md)\n",
    );
    writeFileSync(path.join(app.cwd, "docs/b.md"), "# B\n");
    const found = await app.call("validate_artifact", { path: "docs/a.md", project: "demo", criteria: ["markdown"] });
    expect(found.issues.map(({ message }) => message)).toEqual([
      "The file c.md does not exist.",
      "The file ../README.md does not exist.",
    ]);
    const put = await app.call("put_artifact", { path: "docs/a.md", name: "a.md", project: "demo" });
    const again = await app.call("validate_artifact", { artifact: put.artifact.id, criteria: ["markdown"] });
    expect(again.issues).toEqual(found.issues);
  });

  test("names the topics of its type that a document leaves out, and the questions that need judgement", async () => {
    const { app } = await demo();
    const content =
      "# Threats\n\nAccess control denies by default; passwords are hashed. Input is escaped against injection.\n";
    const found = await app.call("validate_artifact", { type: "security", name: "s.md", content, project: "demo" });
    expect(found.passed).toBe(true);
    expect(found.issues.map(({ where }) => where)).toContain("owasp_top_10");
    expect(found.issues.map(({ message }) => message)).toContain(
      "Nothing is said of server-side request forgery (A10).",
    );
    expect(found.issues.map(({ message }) => message).join()).not.toMatch(/A01|A03/);
    expect(found.criteria.map(({ key }) => key)).toEqual(["owasp_top_10", "authentication", "authorization"]);
  });

  test("looks into no bytes that are no text, and refuses unknown checks with the nearest", async () => {
    const { app } = await demo();
    const binary = { content: Buffer.from([0, 1, 2]).toString("base64"), encoding: "base64" as const, project: "demo" };
    expect(await app.call("validate_artifact", binary)).toMatchObject({ passed: true, issues: [{ severity: "info" }] });
    await expect(
      app.call("validate_artifact", { content: "a", criteria: ["secret"], project: "demo" }),
    ).rejects.toMatchObject({ code: "invalid_input", message: expect.stringContaining('did you mean "secrets"') });
  });

  test("answers on texts that were made to keep it busy, within the time of a test", async () => {
    const { app } = await demo();
    const texts = [
      ["a.md", `${"[".repeat(20_000)}${"](".repeat(20_000)}`],
      ["b.md", `${"|".repeat(20_000)}\n${"|-".repeat(20_000)}|`],
      [
        "c.yaml",
        `a: &a [${"x,".repeat(1_000)}]\n${Array.from({ length: 200 }, (_, at) => `k${at}: [*a, *a, *a]`).join("\n")}`,
      ],
      ["d.json", "[".repeat(50_000)],
      ["e.ts", "({[".repeat(10_000)],
      ["f.txt", `${"a@".repeat(20_000)} ${"1 ".repeat(20_000)} password=${"'".repeat(20_000)}`],
      ["g.info", `${"SF:a\n".repeat(20_000)}end_of_record`],
      ["h.md", `REQ-1: ${"must ".repeat(20_000)}`],
    ] as const;
    for (const [name, content] of texts) {
      const type = name === "h.md" ? { type: "requirements" } : name === "c.yaml" ? { type: "openapi" } : {};
      const answer = await app.call("validate_artifact", { name, content, project: "demo", ...type });
      expect(answer.issues.length).toBeLessThanOrEqual(100);
    }
  });
});

describe("check_consistency", () => {
  test("finds what the newest artifacts of a run say differently", async () => {
    const { app, crew } = await demo();
    const { run } = await crew.start([{ key: "a" }], { project: "demo" });
    const put = (name: string, type: string, content: string) =>
      app.call("put_artifact", { run: run.id, name, type, content });
    const openapi = (version: string) =>
      `openapi: 3.0.3\ninfo: { title: shop, version: "${version}" }\npaths: { "/orders/{id}": { get: {}, delete: {} }, /carts: { post: {} } }\n`;
    await put("api.yaml", "openapi", openapi("0.9.0"));
    await put("api.yaml", "openapi", openapi("2.0.0"));
    await put("package.json", "json", '{"name":"shop","version":"1.0.0","dependencies":{"zod":"^4.0.0"}}');
    await put("server.ts", "code", 'router.get("/orders/:id", get); router.delete(`/orders/${id}`, remove);');
    await put("needs.md", "requirements", "- REQ-1: A must.\n- REQ-2: B must.\n");
    await put("a.test.ts", "tests", 'it("REQ-1: a", () => expect(a()).toBe(1));');
    const found = await app.call("check_consistency", { run: run.id });
    expect(found).toMatchObject({ compared: 5, passed: false });
    expect(found.issues.map(({ check, message }) => `${check}: ${message}`)).toEqual([
      "interfaces: api.yaml has POST /carts, and no code artifact of the run names that path.",
      expect.stringMatching(/^versions: .*shop has version (?:2\.0\.0|1\.0\.0)/),
      "requirements: No test artifact of the run names REQ-2 of needs.md.",
    ]);
    await put("carts.ts", "code", 'app.post("/carts", create)');
    await put("package.json", "json", '{"name":"shop","version":"2.0.0"}');
    await put("b.test.ts", "tests", 'it("REQ-2: b", () => expect(b()).toBe(1));');
    expect(await app.call("check_consistency", { run: run.id })).toMatchObject({ passed: true, issues: [] });
  });
});
