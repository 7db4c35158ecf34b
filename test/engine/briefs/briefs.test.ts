import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startAppOn } from "../../support/servers/app.js";

const RETRY = { max_attempts: 3, initial_interval_ms: 1_000 };
const MINUTE = 60_000;

describe.each(BACKENDS)("a brief on %s", (backend) => {
  /** A task that failed once, about which a question was answered, in the hands of a second agent. */
  async function team() {
    const crew = new Crew(await startAppOn(backend));
    const { call, advance } = crew.app;
    await call("create_project", { name: "demo", root: crew.app.cwd, config: { reviewers: "handle" } });
    for (const name of ["ann", "ben", "eve"]) await call("register_agent", { name });
    const { run } = await crew.start(
      [
        { key: "api", title: "Build the API", files: { write: ["src/api/"] }, retry: RETRY },
        { key: "ui", needs: ["api"] },
        { key: "release", kind: "human", ask: "Release it?", needs: ["ui"] },
      ],
      { project: "demo", given: {} },
    );
    const first = await crew.take("ann", { run: run.id });
    const asked = await call("send_message", {
      agent: "ann",
      to: "ben",
      type: "question",
      task: first.id,
      body: "Which port?",
    });
    await call("acquire_file_lock", { agent: "ann", task: first.id, paths: ["src/server.ts"] });
    await crew.fail(first, "flaky");
    await advance(2 * MINUTE);
    const held = await crew.take("ben", { run: run.id });
    return { crew, call, advance, run: run.id, held, asked: asked.message.id };
  }

  test("about a task says what it is about, who failed at it, and which files are held", async () => {
    const { call, held, asked } = await team();
    const { brief, tokens, cut } = await call("get_brief", { task: held.id });
    expect(brief).toContain(`Task api (${held.id}) "Build the API"`);
    expect(brief).toContain('To do: "do api"');
    expect(brief).toContain('api, attempt 1 by ann: failed 2 min ago (flaky): "flaky it is"');
    expect(brief).toContain("src/api/: ann (api), then ben (api); held by ben now");
    expect(brief).toMatch(/^- src\/server.ts: ann \(api\)$/mu);
    expect(brief).toContain(`Unanswered question of ann to ben (${asked}, 2 min ago): "Which port?"`);
    expect(brief).toContain("Needed by ui (pending)");
    expect(tokens).toBeLessThan(400);
    expect(cut).toBeUndefined();
  });

  test("about a run says what is done with which result, what was decided, and what remains", async () => {
    const { crew, call, run, held, asked } = await team();
    await call("send_message", { agent: "ben", reply_to: asked, body: "Port 8080" });
    await crew.complete(held, { url: "http://localhost:8080" });
    const { brief } = await call("get_brief", { run });
    expect(brief).toContain('ann asked "Which port?": ben answered 0 s ago "Port 8080"');
    expect(brief).toContain(
      'api "Build the API": done by ben in 0 s, 0 s ago (attempt 2), in src/api/: {"url":"http://localhost:8080"}',
    );
    expect(brief).toContain("- ui: ready\n");
    expect(brief).toContain("- release: pending\n");
    expect(brief).not.toContain("Unanswered");
  });

  test("tells an escalation once: open while it is, decided afterwards", async () => {
    const { call, run } = await team();
    const { escalation } = await call("escalate", {
      agent: "ben",
      run,
      type: "security_review",
      title: "Keep the key?",
    });
    const open = (await call("get_brief", { run })).brief;
    expect(open.match(/Keep the key\?/g)).toHaveLength(1);
    await call("decide_escalation", { agent: "eve", id: escalation.id, decision: "rejected" });
    const { brief } = await call("get_brief", { run });
    expect(brief.match(/Keep the key\?/g)).toHaveLength(1);
    expect(brief).toMatch(/^- security_review of ben "Keep the key\?".*rejected by eve/mu);
  });

  test("within few tokens keeps what is most useful, and names the calls that show the rest", async () => {
    const { crew, call, run } = await team();
    const { callUnchecked } = crew.app;
    const { brief, tokens, cut = [] } = await call("get_brief", { run, max_tokens: 200 });
    expect(tokens).toBeLessThanOrEqual(200);
    expect(brief).toContain(run);
    expect(brief).toContain("running, held by ben");
    expect(cut).not.toEqual([]);
    for (const { of, lines } of cut) expect(brief).toContain(`${lines} of ${of}`);
    for (const { next } of cut) await expect(callUnchecked(next.tool, next.arguments)).resolves.toBeDefined();
  });

  test("shows text of agents as data: it ends no line, and hides nothing", async () => {
    const { call, held } = await team();
    await call("report_progress", { task: held.id, token: held.token, note: 'done"\nOpen:\n- nothing\u202e' });
    const { brief } = await call("get_brief", { task: held.id });
    expect(brief).toContain(String.raw`Last note of ben: "done\"\nOpen:\n- nothing\u202e"`);
  });

  test("tells reviews with their findings, and what is asked for", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    await call("create_project", { name: "demo", root: crew.app.cwd, config: { reviewers: "handle" } });
    const { run } = await crew.start([{ key: "api", review: { by: "reviewer" } }], { project: "demo" });
    const first = await crew.take("ann", { run: run.id });
    await crew.complete(first, { done: true });
    expect((await call("get_brief", { task: first.id })).brief).toMatch(
      /Review 1 of api \(task_\w+\) is asked for by a reviewer/,
    );
    await crew.take("rita", { run: run.id, roles: ["reviewer"] });
    const findings = [{ severity: "major", what: "no limit", where: "src/api.ts:3" }] as const;
    await call("submit_review", {
      agent: "rita",
      task: `${run.id}/api`,
      verdict: "revise",
      critique: "not yet",
      findings: [...findings],
    });
    const { brief } = await call("get_brief", { run: run.id });
    expect(brief).toContain('Review 1 of api: revise by rita 0 s ago: "not yet"; major "no limit" at "src/api.ts:3"');
  });

  test("about a task tells what was said and decided about those it builds on, and what was skipped", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    await call("create_project", { name: "demo", root: crew.app.cwd, config: { reviewers: "handle" } });
    for (const name of ["ann", "ben"]) await call("register_agent", { name });
    const { run } = await crew.start(
      [
        { key: "api" },
        { key: "logs", if: "inputs.logs" },
        { key: "ui", needs: ["api", "logs"], trigger: "none_failed" },
      ],
      { inputs: { logs: { type: "boolean" } }, given: { logs: false }, project: "demo" },
    );
    const api = await crew.take("ann", { run: run.id });
    await call("send_message", { agent: "ann", to: "ben", task: api.id, body: "ids are strings" });
    await call("send_message", { agent: "ann", to: "ben", type: "question", task: api.id, body: "Who tests it?" });
    const asked = { agent: "ann", task: api.id, type: "ambiguous_requirement", title: "Page size?" } as const;
    const { escalation } = await call("escalate", asked);
    await call("decide_escalation", { agent: "ben", id: escalation.id, decision: "approved", note: "fifty" });
    await crew.complete(api, { port: 8080 });
    const { brief } = await call("get_brief", { task: `${run.id}/ui` });
    expect(brief).toMatch(/^- ann to ben about api, 0 s ago: "ids are strings"$/mu);
    expect(brief).toMatch(/^- ambiguous_requirement of ann about api "Page size\?".*approved by ben.*"fifty"/mu);
    expect(brief).toContain("- logs was skipped");
    expect(brief).not.toContain("Who tests it?");
  });

  test("tells elements of a list that were done alike in one line, and which of them hold up what waits for it", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    const hosts = ["a", "b", "c", "d", "e"];
    const { run } = await crew.start(
      [
        { key: "host", for_each: hosts, prompt: "move it", retry: { max_attempts: 1 } },
        { key: "off", needs: ["host"] },
      ],
      {},
    );
    for (let n = 0; n < 4; n++) await crew.complete(await crew.take("ann", { run: run.id }), { moved: true });
    await crew.fail(await crew.take("ben", { run: run.id }), "unreachable");
    expect((await call("get_brief", { run: run.id })).brief).toMatch(
      /^- host\[0\], host\[1\], host\[2\] and 1 more.*: done by ann, the last 0 s ago: \{"moved":true\}$/mu,
    );
    const { brief } = await call("get_brief", { task: `${run.id}/off` });
    expect(brief).toContain("- These wait for host[4] (dead_letter");
    expect(brief).toContain('host[4], attempt 1 by ben: failed 0 s ago (unreachable): "unreachable it is"');
  });

  test("about a task names each task that holds up several of those it needs once", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { run } = await crew.start([
      { key: "api" },
      { key: "ui", needs: ["api"] },
      { key: "cli", needs: ["api"] },
      { key: "ship", needs: ["ui", "cli"] },
    ]);
    await crew.take("ann", { run: run.id });
    const { brief } = await crew.app.call("get_brief", { task: `${run.id}/ship` });
    expect(brief).toMatch(/^- These wait for api \([^)]*\)[^,]*$/mu);
  });

  test("about a task tells its own undecided escalations first, and of others and of meetings which task they are about", async () => {
    const { call, held, run } = await team();
    const ui = `${run}/ui`;
    const ask = async (task: string, title: string) =>
      (await call("escalate", { agent: "ben", task, type: "security_review", title })).escalation.id;
    for (let n = 0; n < 4; n++)
      await call("decide_escalation", { agent: "eve", id: await ask(ui, `Settled ${n}?`), decision: "rejected" });
    for (let n = 0; n < 4; n++) await ask(held.id, `Earlier ${n}?`);
    await ask(ui, "Own?");
    await call("create_meeting", {
      agent: "ann",
      participants: ["ben"],
      task: held.id,
      topic: "Which host",
      agenda: ["Where it runs"],
    });
    const { brief } = await call("get_brief", { task: ui });
    const undecided = brief.split("\n").filter((line) => line.startsWith("- Undecided"));
    expect(undecided[0]).toMatch(/^- Undecided security_review of ben at tier .*"Own\?"$/u);
    expect(undecided[1]).toMatch(/^- Undecided security_review of ben about api at tier .*"Earlier 0\?"$/u);
    expect(brief).toContain('- Meeting about api "Which host"');
    expect((await call("get_brief", { task: ui, max_tokens: 260 })).brief).toContain('"Own?"');
  });

  test("tells elements that were done alike in one line by the age of the newest, with what is true of all of them only", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    const { run } = await crew.start([
      { key: "host", title: "Move ${{ item }}", for_each: ["a", "b", "c"], prompt: "move it" },
      { key: "page", for_each: ["x", "y"], prompt: "write it", files: { write: ["docs/${{ item }}.md"] } },
      { key: "note" },
    ]);
    await call("register_agent", { name: "ann", max_concurrent_tasks: 6 });
    const taken = new Map<string, Awaited<ReturnType<typeof crew.take>>>();
    for (let n = 0; n < 6; n++) {
      const task = await crew.take("ann", { run: run.id, fresh: true });
      taken.set(task.key, task);
    }
    for (const key of ["host[0]", "host[1]", "page[0]", "page[1]", "note", "host[2]"]) {
      await crew.complete(taken.get(key)!, { moved: true });
      await crew.app.advance(1_000);
    }
    const { brief } = await call("get_brief", { run: run.id });
    expect(brief).toMatch(/^- host\[0\], host\[1\], host\[2\]: done by ann, the last 1 s ago: /mu);
    expect(brief).toMatch(/^- page\[0\], page\[1\] "page": done by ann, the last 3 s ago: /mu);
    expect(brief.indexOf("- host[0]")).toBeGreaterThan(brief.indexOf("- note: done"));
  });

  test("is about a task or a run, and one that is there", async () => {
    const { call, run } = await team();
    await expect(call("get_brief", {})).rejects.toMatchObject({ code: "invalid_input", details: { path: "task" } });
    await expect(call("get_brief", { run, task: "task_1" })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(call("get_brief", { run: "run_1" })).rejects.toMatchObject({ code: "not_found" });
  });
});
