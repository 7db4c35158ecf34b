import { type ConsumedSums, consumedWithIds } from "../../store/learning/evidence.js";
import type { Requirements } from "../../store/resources/resources.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Step } from "../definitions/definition.js";
import { type Consumed, consumedBy } from "./consumed.js";
import { fading, idOfCommands } from "./observing.js";
import { stepType } from "../steps/task-type.js";

/** Resources that command steps of a type had better reserve, by what its commands have taken so far. */
export interface ResourceSuggestion {
  /** Keys. */
  readonly steps: readonly string[];
  /** How many more steps there are than are named. */
  readonly more?: number;
  readonly task_type: string;
  readonly resources: Requirements;
  readonly reason: string;
}

/** Five attempts, a little faded. */
const EVIDENCE_MIN = 4.5;
/** Memory that is reserved beyond what nineteen of twenty attempts had at their peak. */
const MARGIN = 1.25;
/** From here on a step reserves much more than it needs. */
const MUCH_MORE = 2;
/** Memory that is worth a reservation. */
const GB_MIN = 0.1;
const GIB = 2 ** 30;
const STEPS_SHOWN = 10;
const SUGGESTIONS_MAX = 20;
/** Types whose evidence is read for one answer. */
const TYPES_MAX = 1_000;

/** Returns what the command steps of a definition had better reserve. Without learning nothing is suggested. */
export function* findResourceSuggestions(ctx: EngineContext, steps: readonly Step[]): Tx<ResourceSuggestion[]> {
  const types = [...new Set(steps.filter(isCommand).map(stepType))];
  if (types.length === 0 || !ctx.settings.learning_enabled) return [];
  const consumed = yield* consumedWithIds(types.slice(0, TYPES_MAX).map(idOfCommands), fading(ctx));
  return suggestResources(steps, (type) => consumed.get(idOfCommands(type)));
}

/** Suggests resources where a type has been measured often enough: where a step reserves none, less than it needs, or much more. */
export function suggestResources(
  steps: readonly Step[],
  consumedOf: (type: string) => ConsumedSums | undefined,
): ResourceSuggestion[] {
  const found = new Map<string, { keys: string[]; suggestion: Omit<ResourceSuggestion, "steps"> }>();
  for (const step of steps.filter(isCommand)) {
    const type = stepType(step);
    const sums = consumedOf(type);
    const { resources, reasons } = sums === undefined ? NOTHING : suggestionFor(step, consumedBy(sums));
    if (reasons.length === 0) continue;
    const reason = reasons.join("; ");
    const there = found.get(`${type} ${reason}`);
    if (there) there.keys.push(step.key);
    else found.set(`${type} ${reason}`, { keys: [step.key], suggestion: { task_type: type, resources, reason } });
  }
  return [...found.values()].slice(0, SUGGESTIONS_MAX).map(({ keys, suggestion }) => {
    const more = keys.length - STEPS_SHOWN;
    return { steps: keys.slice(0, STEPS_SHOWN), ...(more > 0 && { more }), ...suggestion };
  });
}

interface Wanted {
  readonly resources: Requirements;
  readonly reasons: readonly string[];
}

const NOTHING: Wanted = { resources: {}, reasons: [] };

function suggestionFor({ resources }: Step, { memory, cores }: ReturnType<typeof consumedBy>): Wanted {
  const wanted = [
    memoryFor(reservedOf(resources, "memory", "gb"), memory),
    coresFor(reservedOf(resources, "cpu", "cores"), cores),
  ].flatMap((one) => one ?? []);
  return {
    resources: Object.assign({}, ...wanted.map((one) => one.resources)) as Requirements,
    reasons: wanted.flatMap(({ reasons }) => reasons),
  };
}

function memoryFor(reserved: number | undefined, memory: Consumed | undefined): Wanted | undefined {
  if (memory === undefined || memory.evidence < EVIDENCE_MIN) return undefined;
  const peak = memory.p95 / GIB;
  const gb = roundedUp(MARGIN * peak);
  const isOff =
    reserved === undefined ? gb >= GB_MIN : reserved < peak || (reserved > MUCH_MORE * gb && reserved - gb >= GB_MIN);
  if (!isOff) return undefined;
  const reason = `19 of 20 of ${counted(memory)} had at most ${roundedUp(peak)} GiB of memory at their peak, and ${said(reserved, "GiB")}`;
  return { resources: { memory: { gb } }, reasons: [reason] };
}

/** Commands are held to whole cores. */
function coresFor(reserved: number | undefined, used: Consumed | undefined): Wanted | undefined {
  if (used === undefined || used.evidence < EVIDENCE_MIN) return undefined;
  const mean = Math.round(10 * used.p95) / 10;
  const cores = Math.max(1, Math.ceil(mean));
  const isOff = reserved === undefined ? cores > 1 : Math.ceil(reserved) < cores || reserved >= MUCH_MORE * cores;
  if (!isOff) return undefined;
  const reason = `19 of 20 of ${counted(used)} used at most ${mean} cores in the mean, and ${said(reserved, "cores")}`;
  return { resources: { cpu: { cores } }, reasons: [reason] };
}

function counted({ evidence }: Consumed): string {
  return `${Math.round(evidence)} attempts`;
}

function said(reserved: number | undefined, unit: string): string {
  return reserved === undefined ? "none is reserved" : `${reserved} ${unit} are reserved`;
}

/** The amount that a step reserves of the machine that it runs on. */
function reservedOf(resources: Requirements = {}, name: string, unit: string): number | undefined {
  const amounts = Object.entries(resources).flatMap(([id, { [unit]: amount }]) =>
    amount !== undefined && (id === name || id.startsWith(`${name}@`)) ? [amount] : [],
  );
  return amounts.length === 0 ? undefined : Math.max(...amounts);
}

/** Two digits, as thousandths at the least. */
function roundedUp(amount: number): number {
  const unit = Math.max(0.001, 10 ** (Math.floor(Math.log10(amount)) - 1));
  return Number((Math.ceil(amount / unit - 1e-9) * unit).toFixed(3));
}

function isCommand({ kind }: Step): boolean {
  return kind === "command";
}
