import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, test } from "vitest";
import { elicitationFormOf, lateNotice } from "../../../src/mcp/elicitation/form.js";
import type {
  ApprovalQuestion,
  EscalationQuestion,
  Question,
  StepQuestion,
} from "../../../src/engine/escalations/elicitations.js";

const question = (more: Partial<StepQuestion> = {}): StepQuestion => ({
  kind: "step",
  id: "task_1",
  token: 0,
  key: "approve",
  run: { id: "run_1", name: "release" },
  project: "shop",
  startedBy: "claude-code-3f2a",
  ask: "Release it?",
  until: null,
  ...more,
});

const withForm = (properties: object, required: string[] = []): StepQuestion =>
  question({ form: { type: "object", properties, required } });

/** As clients check it. */
function shown(of: Question, again?: Parameters<typeof elicitationFormOf>[1]) {
  const form = elicitationFormOf(of, again);
  const sound = ElicitRequestSchema.parse({ method: "elicitation/create", params: form.params });
  expect(sound.params).toEqual(form.params);
  return { ...form, ...form.params, fields: form.params.requestedSchema.properties };
}

describe("the words around a question", () => {
  test("say whose it is, where else it can be answered, and what becomes of it without an answer", () => {
    const { message } = shown(question({ until: Date.UTC(2026, 0, 4, 12, 30) }));
    expect(message).toBe(
      [
        'Step "approve" of run "release" in project "shop" waits for your decision. "claude-code-3f2a" started the run. The question:',
        "    Release it?",
        "The question is the workflow's, which an assistant may have written, and not Baton's. Assistants read what you enter: no passwords, no keys.",
        "Without a decision by 2026-01-04 12:30 UTC it counts as rejected. Close this form to leave it open. " +
          "At a terminal: baton approve task_1",
      ].join("\n\n"),
    );
  });

  test("say that it counts as approved without an answer, where its step says so", () => {
    const { message } = shown(question({ until: Date.UTC(2026, 0, 4, 12, 30), defaultDecision: "approve" }));
    expect(message).toContain("Without a decision by 2026-01-04 12:30 UTC it counts as approved.");
  });
});

describe("a question by a deceptive author", () => {
  /** Baton's own lines: all that are not set apart. */
  const own = (message: string): string[] => message.split("\n").filter((line) => line !== "" && !/^ {4}/.test(line));

  test.each([
    "# Baton\n\nApproved by security.",
    "```\n\nDo approve.\n```",
    "a\r\nb\u2028c\u2029d\u0085e\vf\fg\rh",
    "<details><summary>x</summary>",
    "- item\n\n\tmore",
  ])("%j stays apart from Baton's own words, line by line", (ask) => {
    const { message } = shown(question({ ask }));
    expect(own(message)).toEqual(own(shown(question()).message));
    // Markdown takes what is set apart as it stands only behind an empty line.
    expect(message).toMatch(/The question:\n\n {4}\S/);
  });

  test.each([
    ["\u001b[2J\u001b]8;;http://x\u0007y", "\\u001b[2J\\u001b]8;;http://x\\u0007y"],
    ["safe\u202efdp.exe\u202c", "safe\\u202efdp.exe\\u202c"],
    ["a\u200b\u2060\ufeff\u00adb\u{e0041}\u{e0042}c", "a\\u200b\\u2060\\ufeff\\u00adb\\udb40\\udc41\\udb40\\udc42c"],
    ["x\u0000\u0008\u007f\u009by\ue000\ud800z", "x\\u0000\\b\\u007f\\u009by\\ue000\\ud800z"],
    [`Z${"\u0301".repeat(50)}algo`, `Z${"\u0301".repeat(3)}algo`],
    ["👩‍💻 und ß, نص", "👩‍💻 und ß, نص"],
  ])("%j is shown as %j", (ask, text) => {
    expect(shown(question({ ask })).message).toContain(`\n\n    ${text}\n\n`);
  });

  test("is cut to what can be read, and says that it is", () => {
    const long = shown(question({ ask: `${"word ".repeat(2_000)}at the end` })).message;
    expect(long.length).toBeLessThan(3_500);
    expect(long).toMatch(
      /\n\n\d{4} more characters are not shown\. Read them first: baton call list_escalations --run run_1\n\n/,
    );
    expect(long).not.toContain("at the end");
    const many = shown(question({ ask: Array.from({ length: 500 }, (_, at) => `line ${at}`).join("\n") })).message;
    expect(many).toContain("    line 39\n\n");
    expect(many).not.toContain("line 40");
    // Text that would push the rest out of sight is left out.
    expect(shown(question({ ask: `a${"\n".repeat(1_000)}b` })).message).toContain("    a\n\n    b\n");
    expect(shown(question({ ask: `a${"\n\u2800\u3164".repeat(1_000)}\nb` })).message).toContain("    a\n\n    b\n");
    expect(shown(question({ ask: "x".repeat(300) })).message).toContain(
      `    ${"x".repeat(96)}\n    ${"x".repeat(96)}\n`,
    );
  });

  test("has names and labels of one plain line", () => {
    const evil = "[ok](http://x)\n\n<b>`x`</b>\u202e";
    const { message, fields } = shown({
      ...withForm({ [evil]: { type: "string", title: evil, description: evil, default: "a\nb" } }),
      startedBy: evil,
    });
    const plain = "[ok] (http://x) ‹b>'x'‹/b>\\u202e";
    expect(message).toContain(`"${plain}" started the run`);
    expect(fields["answer_1"]).toEqual({ type: "string", title: `Answer: ${plain}`, description: plain });
  });
});

describe("the form of a question", () => {
  test("has its flat answers between the decision and the note; only a decision must be made", () => {
    const { fields, requestedSchema } = shown(
      withForm(
        {
          version: { type: "string", description: "As in semver.", minLength: 5, default: "1.0.0" },
          channel: { enum: ["stable", "beta"] },
          percent: { type: "integer", minimum: 1, maximum: 100, exclusiveMaximum: 100, default: 10 },
          looked: { type: "boolean", title: "I have looked at it", default: true },
        },
        ["version"],
      ),
    );
    expect(Object.keys(fields)).toEqual(["decision", "version", "channel", "percent", "looked", "conditions", "note"]);
    expect(fields).toMatchObject({
      decision: { enum: ["approved", "approved_with_conditions", "rejected", "deferred"] },
      version: {
        type: "string",
        title: "Answer: version",
        description: "As in semver. (needed to approve)",
        default: "1.0.0",
      },
      channel: { type: "string", enum: ["stable", "beta"] },
      percent: { type: "integer", minimum: 1, maximum: 100, default: 10 },
    });
    // A tick is the person's own.
    expect(fields["looked"]).toEqual({ type: "boolean", title: "Answer: I have looked at it" });
    expect(requestedSchema.required).toEqual(["decision"]);
  });

  test.each(["oneOf", "anyOf", "allOf", "if", "not", "dependentRequired"])(
    "can only be turned down where %s holds its answers together, which no form can show",
    (keyword) => {
      const plain = withForm({ version: { type: "string" } });
      const { message, fields } = shown({ ...plain, form: { ...plain.form, [keyword]: {} } });
      expect(fields["decision"]).toMatchObject({ enum: ["rejected", "deferred"] });
      expect(message).toContain(`It asks for what this form cannot show: "${keyword}"`);
    },
  );

  test("has fields of any name, of which those left empty are no answers", () => {
    const { read } = shown(withForm({ constructor: { type: "string" }, toString: { type: "boolean" } }));
    expect(read({ decision: "approved" })).toEqual({ decision: "approved", answers: {} });
  });

  test("can only be turned down where it needs what no form can show, and says how it is approved", () => {
    const { message, fields, read } = shown(withForm({ tags: { type: "array" } }, ["tags", "other"]));
    expect(Object.keys(fields)).toEqual(["decision", "note"]);
    expect(fields["decision"]).toMatchObject({ enum: ["rejected", "deferred"] });
    expect(message).toContain('It asks for what this form cannot show: "other", "tags". To approve, use a terminal.');
    expect(message).toContain("At a terminal: baton approve ");
    expect(read({ decision: "rejected" })).toEqual({ decision: "rejected" });
  });

  test("leaves out what it cannot show where that need not be given", () => {
    const { message, fields } = shown(withForm({ tags: { type: "array" }, name: { type: "string" } }, ["name"]));
    expect(Object.keys(fields)).toEqual(["decision", "name", "conditions", "note"]);
    expect(fields["decision"]).toMatchObject({
      enum: ["approved", "approved_with_conditions", "rejected", "deferred"],
    });
    expect(message).toContain('It takes more than this form can show: "tags".');
  });

  test.each([
    ["a choice that looks like another", { enum: ["yes", "yes\u200b"] }],
    ["a choice of numbers", { enum: [1, 2] }],
    ["two types", { type: ["string", "null"] }],
    ["no type", {}],
    ["true", true],
    ["an object", { type: "object" }],
  ])("does not show %s", (_, schema) => {
    expect(Object.keys(shown(withForm({ it: schema })).fields)).toEqual(["decision", "conditions", "note"]);
  });

  test("has at most twenty of them", () => {
    const properties = Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`f${at}`, { type: "string" }]));
    expect(Object.keys(shown(withForm(properties)).fields)).toHaveLength(23);
    expect(shown(withForm(properties)).message).toContain(`It takes more than this form can show: "f20".`);
  });

  test("returns answers under their own names, without empty fields", () => {
    const form = withForm({
      note: { type: "string" },
      "a b": { type: "number" },
      answer_2: { type: "string" },
      x: { type: "boolean" },
    });
    const { fields, read } = shown(form);
    expect(Object.keys(fields)).toEqual(["decision", "answer_1", "answer_2_", "answer_2", "x", "conditions", "note"]);
    const content = {
      decision: "approved",
      answer_1: "mine",
      answer_2_: 7,
      answer_2: " ",
      x: false,
      note: "Baton's",
      more: 1,
    };
    expect(read(content)).toEqual({
      decision: "approved",
      answers: { note: "mine", "a b": 7, x: false },
      note: "Baton's",
    });
    expect(read({ decision: "deferred", answer_1: "mine", note: "" })).toEqual({ decision: "deferred" });
    expect(read({ note: "yes" })).toBeUndefined();
    expect(read(undefined)).toBeUndefined();
  });

  test("takes conditions, one on each line, of which approved with some is an approval under them", () => {
    const { read } = shown(withForm({ conditions: { type: "string" } }));
    const conditions = "mask the tokens\n\n  tell ops ";
    for (const decision of ["approved", "approved_with_conditions"])
      expect(read({ decision, conditions, answer_1: "mine" })).toEqual({
        decision: "approved_with_conditions",
        conditions: ["mask the tokens", "tell ops"],
        answers: { conditions: "mine" },
      });
    // Baton refuses that, and the form is shown again with its reason.
    expect(read({ decision: "approved_with_conditions", conditions: " " })).toEqual({
      decision: "approved_with_conditions",
      conditions: [],
      answers: {},
    });
    expect(read({ decision: "rejected", conditions })).toEqual({ decision: "rejected" });
  });

  test("stands again with what was filled in, and says what was wrong with it", () => {
    const again = {
      problem: "answers.a: `is` required",
      content: { a: "x", b: 2, c: true, note: "n", decision: "approved" },
    };
    const { message, fields } = shown(
      withForm({
        a: { type: "string" },
        b: { type: "number" },
        c: { type: "boolean" },
        d: { type: "string", default: "D" },
      }),
      again,
    );
    expect(message).toMatch(/^Refused: answers\.a: 'is' required\n\nStep/);
    expect([fields["a"], fields["b"], fields["c"], fields["d"], fields["note"]]).toMatchObject(
      ["x", 2, true, "D", "n"].map((value) => ({ default: value })),
    );
    expect(fields["decision"]).not.toHaveProperty("default");
  });
});

const escalation = (more: Partial<EscalationQuestion> = {}): EscalationQuestion => ({
  kind: "escalation",
  id: "escalation_1",
  token: 0,
  run: { id: "run_1", name: "release" },
  project: "shop",
  type: "security_review",
  from: "ann",
  title: "May it go out?",
  details: null,
  isBlocking: false,
  raisesBudget: false,
  until: Date.UTC(2026, 0, 4, 12, 30),
  defaultDecision: "reject",
  ...more,
});

describe("the form of an escalation", () => {
  test("says who asks for what, and what becomes of it without a decision", () => {
    const { message, fields } = shown(escalation({ details: "Line 14." }));
    expect(message).toBe(
      [
        '"ann" asks for your decision (security_review) in run "release" of project "shop". The question:',
        "    May it go out?\n\n    Line 14.",
        "These words are the assistant's that asks, and not Baton's. Assistants read what you enter: no passwords, no keys.",
        "Without a decision by 2026-01-04 12:30 UTC it counts as rejected. Close this form to leave it open. " +
          "At a terminal: baton approve escalation_1",
      ].join("\n\n"),
    );
    expect(Object.keys(fields)).toEqual(["decision", "conditions", "note"]);
  });

  test.each([
    ["retry", "it counts as: try again"],
    ["pause", "it waits on, without a time limit"],
  ] as const)("names the default %s in words", (defaultDecision, words) => {
    expect(shown(escalation({ defaultDecision })).message).toContain(`by 2026-01-04 12:30 UTC ${words}. Close`);
    expect(shown(escalation({ defaultDecision, until: null })).message).not.toContain("Without a decision");
  });

  test("asks in Baton's own name where the server does, of no run too, and takes an amount", () => {
    const { message, fields, read } = shown(
      escalation({ from: null, type: "budget_override", run: null, raisesBudget: true }),
    );
    expect(message).toMatch(/^Baton asks for your decision \(budget_override\) in project "shop"\. The question:\n\n/);
    expect(message).not.toContain("not Baton's");
    expect(fields["amount"]).toMatchObject({
      type: "number",
      minimum: 0,
      description: expect.stringContaining("Empty: by half its limit"),
    });
    expect(read({ decision: "approved", amount: 2.5 })).toEqual({ decision: "approved", amount: 2.5 });
    expect(read({ decision: "approved", amount: "" })).toEqual({ decision: "approved" });
    // Text instead of a number is refused, and not passed over.
    expect(read({ decision: "approved", amount: "much" })).toEqual({ decision: "approved", amount: Number.NaN });
    expect(read({ decision: "rejected", amount: 2 })).toEqual({ decision: "rejected" });
  });

  test("keeps a deceptive name, title and details apart from Baton's own words", () => {
    const evil = 'x"\n\nBaton: approve\u202e <b>';
    const { message } = shown(escalation({ from: evil, title: evil, details: evil, project: evil }));
    const own = message.split("\n").filter((line) => line !== "" && !/^ {4}/.test(line));
    expect(own).toHaveLength(3);
    expect(message).not.toContain("\u202e");
    expect(own[0]).toContain("\\u202e ‹b>");
    // The quotation marks are Baton's, and none within a name ends it.
    expect(own[0]).not.toContain('x"');
  });
});

describe("the form of an approval", () => {
  const approval = (more: Partial<ApprovalQuestion> = {}): ApprovalQuestion => ({
    kind: "approval",
    id: "approval_1",
    token: 0,
    run: null,
    project: "shop",
    from: "ann",
    subject: "design.md version 2",
    hash: "a1".repeat(32),
    artifact: "artifact_1",
    task: null,
    reason: "before we build it",
    until: null,
    ...more,
  });

  test("names what is approved by its hash, where to read it, and cannot be deferred", () => {
    const { message, fields, read } = shown(approval());
    expect(message.split("\n\n")).toEqual([
      expect.stringMatching(
        /^"ann" asks for your approval of "design\.md version 2" in project "shop"\. .*\(hash a1a1\S*\).* Read it first: baton artifacts get artifact_1$/,
      ),
      "The reason:",
      "    before we build it",
      expect.stringContaining("not Baton's"),
      "Close this form to leave it open. At a terminal: baton approve approval_1",
    ]);
    expect(fields["decision"]).toMatchObject({ enum: ["approved", "approved_with_conditions", "rejected"] });
    expect(read({ decision: "deferred" })).toBeUndefined();
    expect(read({ decision: "approved", conditions: "soon" })).toMatchObject({
      decision: "approved_with_conditions",
      conditions: ["soon"],
    });
  });

  test("says how the result of a task is read", () => {
    const { message } = shown(approval({ artifact: null, task: "task_1", reason: null }));
    expect(message).toContain("Read it first: baton call get_task --task task_1 --include result\n\nThese words");
  });
});

test("a notice of a late answer has nothing to fill in, and its words are neutralised", () => {
  const { message, requestedSchema } = lateNotice("closed by \u001b[2J<b>");
  expect(message).toBe("Your answer came too late and counts for nothing. closed by \\u001b[2J‹b>");
  expect(requestedSchema).toEqual({ type: "object", properties: {} });
});
