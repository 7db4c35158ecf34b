import { shownLine, shownText } from "../../base/texts/shown-text.js";
import { startOf } from "../../base/texts/stored-values.js";
import { iso } from "../../base/time.js";
import type { NotificationContent } from "../../base/notifications/targets.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import { redactSecrets } from "../../base/secrets/redaction.js";
import { findRun } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import { priorityName } from "../scheduling/order.js";
import type { NotableEvent, PersonQuestion } from "./questions.js";

const SUBJECT_CHARS_MAX = 160;
const TEXT_CHARS_MAX = 3_000;
const NAME_CHARS_MAX = 200;
const DATA_CHARS_MAX = 8_000;

/** Builds the content of a notification: bounded, secrets taken out, and saying whose words it has. */
export function* contentOf(event: NotableEvent, question: PersonQuestion | undefined): Tx<NotificationContent> {
  const place = yield* placeOf(event);
  const { type, at } = event;
  const shared = { type, at, ...(question === undefined ? ofEvent(event, place) : ofQuestion(question, place)) };
  return {
    ...shared,
    subject: startOf(shownLine(redactSecrets(shared.subject)), SUBJECT_CHARS_MAX),
    text: startOf(shownText(redactSecrets(shared.text)), TEXT_CHARS_MAX),
    data: bounded(shared.data),
  };
}

interface EventPlace {
  readonly ids: Readonly<Record<string, string>>;
  /** In words. */
  readonly line: string;
  /** Of its run, else of its project. */
  readonly name: string;
}

/** The place of an event: its project, run and task, by ids and names. */
function* placeOf({ project, run, task, data }: NotableEvent): Tx<EventPlace> {
  const ofProject = project === null ? undefined : yield* findProjectByReference(project);
  const ofRun = run === null ? undefined : yield* findRun(run);
  const key = typeof data["key"] === "string" ? data["key"] : undefined;
  const named = Object.entries({ project: ofProject?.name, run: ofRun?.name, task: key });
  const words = named.flatMap(([kind, name]) =>
    name === undefined ? [] : [`${kind} ${startOf(name, NAME_CHARS_MAX)}`],
  );
  const ids = Object.entries({ project: ofProject?.name, run, run_name: ofRun?.name, task, key });
  return {
    ids: Object.fromEntries(
      ids.flatMap(([name, value]) => (typeof value === "string" ? [[name, startOf(value, NAME_CHARS_MAX)]] : [])),
    ),
    line: words.join(", "),
    name: ofRun?.name ?? ofProject?.name ?? "",
  };
}

function ofEvent({ type, agent, data }: NotableEvent, { ids, line, name }: EventPlace) {
  const status = typeof data["status"] === "string" ? ` ${data["status"]}` : "";
  const by = agent === null ? [] : [`agent ${agent}`];
  return {
    subject: `${type}: ${name}${status}`,
    text: [[line, ...by].filter((part) => part !== "").join(", "), shortJson(data)].join("\n"),
    data: { ...ids, ...(agent === null ? {} : { agent }), ...data },
  };
}

/** As data of the event, but for what would make the text long. */
function shortJson(data: NotableEvent["data"]): string {
  return startOf(redactSecrets(JSON.stringify(data)), TEXT_CHARS_MAX / 2);
}

function ofQuestion(question: PersonQuestion, { ids, line }: EventPlace) {
  const { key: _, id, type, ask, details, from, priority, until, otherwise } = question;
  const decide = { approve: `baton approve ${id}`, reject: `baton reject ${id}` };
  // Redacted before they are cut: the beginning of a key is not known for one.
  const [asked, more] = [redactSecrets(ask), details === undefined ? undefined : redactSecrets(details)];
  const words = more === undefined ? asked : `${asked}\n\n${more}`;
  const text = [
    `${from === undefined ? "The workflow" : `The agent ${from}`} asks (${line}):`,
    "",
    // Each line of others' words begins with a mark, so that none of them passes for one of ours.
    ...startOf(words, TEXT_CHARS_MAX / 2)
      .split("\n")
      .map((one) => `> ${one}`),
    "",
    `Approve: ${decide.approve}`,
    `Reject: ${decide.reject}`,
    ...(until === undefined ? [] : [`Without a decision until ${until}: ${otherwise ?? "reject"}.`]),
  ].join("\n");
  const facts = {
    id,
    type,
    ask: startOf(asked, TEXT_CHARS_MAX),
    decide,
    ...(more === undefined ? {} : { details: startOf(more, TEXT_CHARS_MAX) }),
    ...(from === undefined ? {} : { from }),
    ...(priority === undefined ? {} : { priority: priorityName(priority) }),
    ...(until === undefined ? {} : { until, otherwise }),
  };
  return { subject: `Decision needed: ${asked}`, text, data: { ...ids, question: facts } };
}

function bounded(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const json = redactSecrets(JSON.stringify(data));
  if (json.length <= DATA_CHARS_MAX) return JSON.parse(json) as Record<string, unknown>;
  return { truncated: true };
}

/** Content that shows a person that a target is reached. */
export function testContent(now: number): NotificationContent {
  const text = `This is a test of Baton's notifications, made at ${iso(now)}. Nothing waits for you.`;
  return { type: "notification.test", at: now, subject: "Test of Baton's notifications", text, data: { test: true } };
}
