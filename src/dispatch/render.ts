import type { BatonError, RetryAdvice } from "../base/errors.js";
import { isObject } from "../base/json.js";
import { grouped } from "../base/lists/groups.js";
import { shownBytes, shownLine, shownText } from "../base/texts/shown-text.js";
import { InternalError } from "./dispatch.js";
import { type Bounds, compactText, type Whole } from "./text.js";
import { windowText } from "./window-text.js";

/** An answer as a client is given it: the complete data, and the same as text, because clients exist that show only one. */
export interface Rendered {
  readonly structuredContent: Record<string, unknown>;
  readonly text: string;
  readonly isError: boolean;
  /** Entries of a list that the text shows, where it shows fewer than there are. */
  readonly rowsShown?: number;
}

export const TEXT_BYTES_MAX = 8_192;

/** Fields that a worker needs in full: they do not count towards the bound, and results of dependencies are shortened instead. */
const WHOLE: Whole = new Set([
  "task.prompt",
  "result.task.prompt",
  "part.text",
  "result.part.text",
  "brief",
  "result.brief",
  "review.diff.text",
  "result.review.diff.text",
  "task.criteria",
  "result.task.criteria",
  // A cursor that is cut leads back instead of on.
  "next_cursor",
  "result.next_cursor",
]);
/** Criteria that would take the answer beyond what clients accept are shortened like the rest. */
const WITHOUT_CRITERIA: Whole = new Set([...WHOLE].filter((path) => !path.endsWith("criteria")));
const WHOLE_BYTES_MAX = 72_000;

// From generous to tight: the first under which the text fits.
const BOUNDS: readonly Bounds[] = [
  { items: 200, chars: 4_000 },
  { items: 50, chars: 1_500 },
  { items: 20, chars: 600 },
  { items: 10, chars: 240 },
  { items: 5, chars: 100 },
  { items: 2, chars: 40 },
];

/** Words a result. `bytesMax` bounds the text without what is always shown whole. */
export function renderResult(result: Record<string, unknown>, bytesMax = TEXT_BYTES_MAX): Rendered {
  const { text, items } = resultText(result, bytesMax);
  const rows = rowsOf(result);
  return { structuredContent: result, text, isError: false, ...(rows > items && { rowsShown: items }) };
}

/** The number of entries in the page of a list, also where another operation was called. */
function rowsOf(result: Record<string, unknown>): number {
  const inner = result["result"];
  const rows = Object.values(isObject(inner) ? inner : result).find((value) => Array.isArray(value));
  return Array.isArray(rows) ? rows.length : 0;
}

function resultText(whole: Record<string, unknown>, bytesMax: number): { text: string; items: number } {
  // "ready: none" would say that no work is left, where it is only that this change made none ready.
  const { ready, ...others } = whole;
  const given = "newly_ready" in whole || ready === undefined ? others : whole;
  const window = windowText(given, Math.max(WHOLE_BYTES_MAX, bytesMax));
  const result = window?.result ?? given;
  const headline = [headlineOf(result), cutWaitOf(result), window?.gap].filter((line) => line !== undefined).join(" ");
  const all = wholeBytes(result, WHOLE);
  const kept = all <= WHOLE_BYTES_MAX ? WHOLE : WITHOUT_CRITERIA;
  const uncut = window === undefined ? kept : new Set([...kept, ...window.whole]);
  const room = bytesMax + dependencyBytes(result) + (window?.bytes ?? 0) + wholeBytes(result, kept);
  let text = "";
  for (const [round, bounds] of BOUNDS.entries()) {
    const lines = [headline, compactText(result, bounds, uncut), round > 0 ? moreOf(result) : undefined];
    text = shownText(lines.filter((line) => line !== undefined && line !== "").join("\n"));
    if (Buffer.byteLength(text) <= room) return { text, items: bounds.items };
  }
  return { text: `${clip(text, room - 200)}\n… cut here. ${moreOf(result)}`, items: 1 };
}

const DEPENDENCY_BYTES = 250;

/** Room for the calls that show the results of dependencies. */
function dependencyBytes({ task }: Record<string, unknown>): number {
  const dependencies = isObject(task) ? task["dependencies"] : undefined;
  return Array.isArray(dependencies) ? DEPENDENCY_BYTES * Math.min(dependencies.length, 40) : 0;
}

function wholeBytes(result: Record<string, unknown>, whole: Whole): number {
  let bytes = 0;
  for (const path of whole) {
    const value = path
      .split(".")
      .reduce<unknown>((at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined), result);
    bytes += bytesOf(value);
  }
  return bytes;
}

function bytesOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + bytesOf(item), 0);
  return typeof value === "string" ? shownBytes(value) : 0;
}

/** Cuts at a character, not within one. */
function clip(text: string, bytes: number): string {
  return Buffer.from(text)
    .subarray(0, Math.max(0, bytes))
    .toString("utf8")
    .replace(/\uFFFD$/, "");
}

/** Where the rest of a shortened answer is read. */
function moreOf(result: Record<string, unknown>): string {
  const places = [
    typeof result["next_cursor"] === "string" ? "call again with cursor = next_cursor for the next page" : undefined,
    linkOf(result["run"], "baton://runs/"),
    partsOf(result["task"]),
  ].filter((place) => place !== undefined);
  const rest = places.length === 0 ? "" : ` More: ${places.join("; ")}.`;
  return `(shortened; the structured content is complete.${rest})`;
}

function linkOf(entity: unknown, prefix: string): string | undefined {
  return isObject(entity) && typeof entity["id"] === "string" ? `resource ${prefix}${entity["id"]}` : undefined;
}

/** The call that shows a long result or prompt of a task in parts, and the resource with everything about it. */
function partsOf(task: unknown): string | undefined {
  const link = linkOf(task, "baton://tasks/");
  if (link === undefined || !isObject(task)) return undefined;
  const args = { task: task["id"], include: ["result"], offset: 0 };
  return `get_task ${JSON.stringify(args)}, or include ["prompt"], in parts; all of it: ${link}`;
}

/** One line that says what happened, for the shapes of spec 04 where the data alone would make a reader search for it. */
function headlineOf(result: Record<string, unknown>): string | undefined {
  const { outcome, task, lease, reason, detail, orders } = result;
  if (outcome === "claimed" && isObject(task) && isObject(lease)) {
    const again = result["resumed"] === true ? "You still hold" : "You hold";
    const note = typeof result["note"] === "string" ? `${result["note"]} ` : "";
    return `${note}${again} task ${show(task["id"])} with token ${show(lease["token"])}; its lease renews ${show(lease["renews"])}.${endsOf(result["next"])}`;
  }
  if (outcome === "none")
    return `Nothing to claim: ${show(reason)}${typeof detail === "string" ? `: ${shownLine(detail)}` : ""}.`;
  if (outcome === "queued")
    return `Queued, place ${show(result["position"])}: nothing is locked yet. ${blockersOf(result)}. The same call waits on and keeps the place, which lapses ${show(result["kept_until"])} without it.`;
  if (outcome === "denied") return deniedLine(result);
  if (outcome === "deadlock") return "Not locked: waiting would have closed a cycle of waits.";
  if (outcome === "granted") return lockedLine(result);
  if (Array.isArray(result["released"])) return releasedLine(result);
  if (Array.isArray(result["events"]) && Array.isArray(result["next"])) return offerLine(result["events"]);
  return typeof orders === "string" ? ORDERS[orders] : undefined;
}

/** Says which bound counted for a wait that was asked for longer. */
function cutWaitOf({ wait_seconds_max: most }: Record<string, unknown>): string | undefined {
  return typeof most === "number"
    ? `It waited ${most} s, the longest that one call waits here: the same call waits on.`
    : undefined;
}

/** The calls that end a task; a note has named the one that ends a cancelled task. */
function endsOf(next: unknown): string {
  const isCancelled = Array.isArray(next) && next.length === 1;
  return isCancelled ? "" : " End it with complete_task, fail_task or release_task.";
}

/** The orders of report_progress as a sentence; nothing changes with `continue`. */
const ORDERS: Readonly<Record<string, string>> = {
  cancel_requested:
    "Stop now (cancel_requested): the task is cancelled. Leave the files in a state others can use and call release_task.",
  preempted:
    "Give way (preempted): another task needs what you hold. Leave the files in a state others can use and call release_task with a note.",
  paused: "Paused: finish what is nearly done, else release_task with a note.",
  deadline_passed: "The deadline has passed (deadline_passed): finish only if it still serves.",
};

/** Says that an offer is no lock yet, and until when the call in `next` takes it. */
function offerLine(events: readonly unknown[]): string | undefined {
  const offers = events.filter(isObject).filter(({ type }) => type === "lock.offered");
  if (offers.length === 0) return undefined;
  const [first] = offers.map(({ data }) => (isObject(data) ? data["until"] : undefined));
  const which = offers.length > 1 ? `${offers.length} offers, the first` : "Offered";
  return `${which} until ${show(first)}, not locked yet: the same acquire_file_lock call (next) takes it by then, else it goes to the next in line.`;
}

function pathsOf(value: unknown): string {
  if (!Array.isArray(value)) return "";
  const more = value.length - PATHS_NAMED_MAX;
  return `${value.slice(0, PATHS_NAMED_MAX).map(show).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
const PATHS_NAMED_MAX = 5;

function lockedLine({ locks, note }: Record<string, unknown>): string {
  const [first] = Array.isArray(locks) ? locks.filter(isObject) : [];
  const until = typeof first?.["expires_at"] === "string" ? ` until ${first["expires_at"]}` : " until its task ends";
  if (first?.["mode"] === "intent") {
    const may = typeof note === "string" ? shownLine(note) : "Read these files again before you edit them.";
    return `Announced${until}, not locked. ${may} release_file_lock when you are done.`;
  }
  return `Locked${until}: read these files again where you had read them before, edit them, and release_file_lock when you are done.`;
}

/** Says who holds what was asked for until when: so long another agent waits, or does something else. */
function deniedLine(result: Record<string, unknown>): string {
  return `Not locked: ${blockersOf(result)}. To wait in line for it: the same call with wait_seconds.`;
}

/** Names each holder once, with what it holds of what was asked for. */
function blockersOf({ conflicts: all, conflicts_total: total }: Record<string, unknown>): string {
  const conflicts = Array.isArray(all) ? all.filter(isObject) : [];
  const holderOf = ({ held_by: holder, state }: Record<string, unknown>) => JSON.stringify([holder, state]);
  const byHolder = [...grouped(conflicts, holderOf).values()];
  const said = byHolder.slice(0, HOLDERS_NAMED_MAX).map(holderPhrase);
  const untold = byHolder.slice(HOLDERS_NAMED_MAX).reduce((sum, some) => sum + some.length, 0);
  const more = untold + (typeof total === "number" ? Math.max(0, total - conflicts.length) : 0);
  return `${said.join("; ")}${more > 0 ? ` (${more} more conflicts)` : ""}`;
}
const HOLDERS_NAMED_MAX = 3;

const BLOCKED: Readonly<Record<string, string>> = { queued: "asked for earlier by", offered: "offered to" };

function holderPhrase(conflicts: readonly Record<string, unknown>[]): string {
  const [{ held_by: holder, state } = {}] = conflicts;
  const task = conflicts.find((one) => one["task"] !== undefined && one["expires_at"] === null)?.["task"];
  const subjects = [...new Set(conflicts.map(blockedPath))];
  const isMany = subjects.length > 1 || typeof conflicts[0]?.["locks"] === "number";
  const ends = conflicts.map(({ expires_at: until }) => (typeof until === "string" ? until : ""));
  const until = ends.includes("")
    ? `its task ${typeof task === "string" ? `${show(task)} ` : ""}ends`
    : ends.sort().at(-1);
  return `${pathsOf(subjects)} ${isMany ? "are" : "is"} ${BLOCKED[String(state)] ?? "held by"} ${show(holder)} until ${until}`;
}

function blockedPath({ path, locks, locked_paths: paths }: Record<string, unknown>): string {
  if (typeof locks !== "number" || !Array.isArray(paths)) return show(path);
  const more = locks > paths.length ? ` and ${locks - paths.length} more` : "";
  return `${locks} locks in ${show(path)} (${paths.map(show).join(", ")}${more})`;
}

function releasedLine({ released, withdrawn, not_held: others, granted, offered }: Record<string, unknown>): string {
  const parts = [
    pathsOf(released) === "" ? "Nothing was released" : `Released ${pathsOf(released)}`,
    pathsOf(withdrawn) === "" ? undefined : `withdrawn from the line: ${pathsOf(withdrawn)}`,
    pathsOf(others) === "" ? undefined : `not held by you: ${pathsOf(others)}`,
    Array.isArray(granted) && granted.length > 0 ? `granted to ${granted.length} in line` : undefined,
    Array.isArray(offered) && offered.length > 0 ? `offered to ${offered.length} in line` : undefined,
  ];
  return `${parts.filter((part) => part !== undefined).join("; ")}.`;
}

function show(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? shownLine(String(value)) : "?";
}

/** Words a refusal, or a bug: what happened, the state as it is, the exact next call. */
export function renderError(error: BatonError | InternalError): Rendered {
  const facts = errorFacts(error);
  const { code, message, details, retry, next } = facts;
  const lines = [
    `${code}: ${message}`,
    stateText(details, message),
    retryText(retry),
    ...next.map(({ tool, arguments: args }) => `next: ${tool} ${JSON.stringify(args)}`),
  ];
  const text = shownText(lines.filter((line) => line !== undefined).join("\n"));
  const shown = Buffer.byteLength(text) <= TEXT_BYTES_MAX ? text : `${clip(text, TEXT_BYTES_MAX - 20)}\n… cut here.`;
  return { structuredContent: { error: { ...facts } }, text: shown, isError: true };
}

/** The state beside an error, without the problems that its message tells already. */
function stateText(details: Readonly<Record<string, unknown>> | undefined, message: string): string | undefined {
  if (details === undefined) return undefined;
  const { problems: all, ...others } = details;
  const untold = Array.isArray(all)
    ? all.filter((one) => !(isObject(one) && message.includes(String(one["message"]))))
    : [];
  const state = untold.length === 0 ? others : { ...others, problems: untold };
  return Object.keys(state).length === 0 ? undefined : compactText({ state }, { items: 20, chars: 600 }, new Set());
}

function errorFacts(error: BatonError | InternalError) {
  if (error instanceof InternalError) {
    const details = { request: error.requestId };
    return { code: "internal", message: error.message, details, retry: "never", next: [] } as const;
  }
  const { code, message, details, retry, next } = error;
  return { code, message, ...(details && { details }), retry, next };
}

function retryText(retry: RetryAdvice): string | undefined {
  if (retry === "never") return undefined;
  return retry === "same_input" ? "retry: the same call can be made again at once" : `retry: in ${retry.after_ms} ms`;
}
