import { setTimeout as pause } from "node:timers/promises";
import { CHANGES, CONVERT, CONVERT_FIRST, DESIGN, FORMAT, GUIDE, plantedKey, settingsWith } from "./texts.js";
import { type Workplace, type Held } from "./workplace.js";
import { FILES, GOAL, STEPS } from "./plan.js";

const MODEL = "claude-sonnet-4-5";
const HALF = 50;
const KILLED_WITHIN_MS = 60_000;

/** Work on one task; returns its result, or nothing where the task is completed with it. */
type Part = (place: Workplace, held: Held) => Promise<object | undefined>;

/** Plans the goal; where the forecast is over the budget, holds the run until a person has decided. */
export async function plan(place: Workplace, planned: (run: string) => Promise<void>): Promise<string> {
  const { baton } = place;
  const constraints = ["No secret in the repository"];
  const { run, task, lease } = await baton.call("orchestrate", { goal: GOAL, constraints });
  if (!task || !lease) throw new Error("the plan was not handed out");
  await planned(run.id);
  await baton.call("complete_task", { task: task.id, token: lease.token, result: { steps: STEPS } });
  await requireMoney(place, run.id);
  return run.id;
}

async function requireMoney(place: Workplace, run: string): Promise<void> {
  const { baton } = place;
  const { forecast } = await baton.query("forecast_run_cost", { run, model: MODEL });
  const amount = forecast.total_estimated;
  const { allowed } = await baton.query("check_budget", { run, amount });
  const interval = `${dollars(forecast.low)} to ${dollars(forecast.high)}`;
  place.say(`forecasts ${dollars(amount)} (${interval}): ${allowed ? "allowed" : "over the budget"}`);
  if (allowed) return;
  await baton.call("control_run", { run, action: "pause" });
  const { escalation } = await baton.call("escalate", {
    type: "budget_override",
    title: `May this run cost ${dollars(amount)}?`,
    priority: "critical",
    run,
  });
  const { body } = await place.decided(escalation.id);
  place.say(`is told: ${body.replaceAll(/\s+/g, " ")}`);
  await baton.call("control_run", { run, action: "resume" });
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}

/** The work of each step's holder, by the step's key. */
export const PARTS: Readonly<Record<string, Part>> = {
  async design(place) {
    await place.think();
    await place.write(FILES.design, DESIGN);
    await place.commit("Design the library", FILES.design);
    return { functions: ["convert", "format"] };
  },

  async convert(place, held) {
    const verdicts = held.brief.reviews ?? [];
    if (verdicts.length === 0) {
      const reply = await place.ask(held, "role:architect", "Which way does half a cent go? The design does not say.");
      place.say(`has its answer: ${reply}`);
    }
    await place.think();
    await place.write(FILES.convert, verdicts.length === 0 ? CONVERT_FIRST : CONVERT);
    await place.commit(verdicts.length === 0 ? "Convert money" : "Round half a cent to the even cent", FILES.convert);
    await place.add(held, FILES.exports, 'export { convert } from "./convert.mjs";\n');
    return { file: FILES.convert };
  },

  async format(place, held) {
    await place.think();
    await place.write(FILES.format, FORMAT);
    await place.commit("Show money", FILES.format);
    await place.add(held, FILES.exports, 'export { format } from "./format.mjs";\n');
    return { file: FILES.format };
  },

  async settings(place, held) {
    const { baton } = place;
    await place.write(FILES.settings, settingsWith(plantedKey()));
    const { critical, issues } = await baton.operate("validate_artifact", { path: FILES.settings, type: "code" });
    if (!critical) throw new Error("the planted secret was not found");
    const worst = issues.find(({ severity }) => severity === "critical");
    place.say(`has its settings checked: ${worst?.message ?? ""} (${worst?.where ?? ""})`);
    const { escalation } = await baton.call("escalate", {
      type: "security_review",
      title: "May the settings keep an access key?",
      details: worst?.message ?? "",
      priority: "high",
      task: held.brief.id,
    });
    const answer = await place.decided(escalation.id);
    place.say(`is told: ${answer.subject ?? ""}`);
    await place.write(FILES.settings, settingsWith(undefined));
    await place.commit("Write the settings", FILES.settings);
    return { file: FILES.settings, secret: "removed" };
  },

  changes: writing(FILES.changes, CHANGES),
  guide: writing(FILES.guide, GUIDE),
};

/** Reads the diff that the brief names, and asks for a revision where it does not do what was asked. */
export const reviewWork: Part = async (place, { brief, token }) => {
  const { diff } = brief.review ?? {};
  if (!diff) throw new Error("the review has no diff");
  const { content } = await place.baton.query("get_artifact", { artifact: diff.artifact });
  await place.think();
  const finding = {
    severity: "major",
    where: `${FILES.convert}:2`,
    what: "Math.round takes half a cent up, always.",
    suggestion: "Take it to the even cent.",
  } as const;
  const isWrong = content?.text.includes("+  return Math.round(amount * rate);") === true;
  await place.baton.operate("submit_review", {
    task: brief.id,
    token,
    ...(isWrong
      ? { verdict: "revise", critique: "Half a cent does not go where the criteria say.", findings: [finding] }
      : { verdict: "approve" }),
  });
  return undefined;
};

/** Writes a page in two sittings: everything is killed between them. */
function writing(file: string, text: string): Part {
  return async (place, held) => {
    await place.baton.call("report_progress", {
      task: held.brief.id,
      token: held.token,
      percent: HALF,
      note: `half of ${file}`,
    });
    // The kill comes once both pages are begun, however long the second holder takes to come.
    await (held.brief.attempt === 1 ? pause(KILLED_WITHIN_MS) : place.think(2));
    await place.write(file, text);
    await place.commit(`Write ${file}`, file);
    return { file };
  };
}

/** Tokens that a model would have used for a task: more where it had more to read. */
export function usageOf({ brief }: Held): { model: string; input_tokens: number; output_tokens: number } {
  return { model: MODEL, input_tokens: 4_000 + (brief.prompt ?? "").length * 10, output_tokens: 1_200 };
}
