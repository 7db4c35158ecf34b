import { z } from "zod";
import type { StepKind } from "../../base/statuses.js";
import type { StoredEvent } from "../../store/events/history.js";
import { Durations, LabelledCounts, Mean, Share, type MetricFamily, type MetricSample } from "./families.js";

/** A task as a tally needs it; absent where it has been removed. */
export interface TalliedTask {
  readonly role: string | null;
  readonly kind: StepKind;
  readonly readyAt: number | null;
}

/** Rows that events are told with, by id. */
export interface TalliedFacts {
  readonly tasks: ReadonlyMap<string, TalliedTask>;
  /** When the last dependency of a task ended that is ready for the first time. */
  readonly dependenciesEndedAt: ReadonlyMap<string, number>;
  /** How much of the width of its graph a run that has ended has used. */
  readonly efficiencies: ReadonlyMap<string, number>;
}

const ENDED: ReadonlySet<string> = new Set(["task.succeeded", "task.dead_letter", "task.cancelled"]);
/** Ends of an attempt that worked. */
const WORKED: ReadonlySet<string> = new Set(["task.succeeded", "task.retry", "task.dead_letter"]);
/** Ends of an attempt, lost ones too. */
const TRIED: ReadonlySet<string> = new Set([...WORKED, "task.lease_lost"]);
/** Claims, losses and waits under way: the oldest is forgotten first. */
const OPEN_MAX = 20_000;
const NO_ROLE = "none";

/** Counts and durations of what the history says, from where it was first asked for. */
export class HistoryTally {
  readonly #events = new LabelledCounts("type");
  readonly #ends = new LabelledCounts("outcome");
  readonly #reassigned = new LabelledCounts("outcome");
  readonly #gates = new Share();
  readonly #routed = new Share();
  readonly #fallbacks = new Share();
  readonly #efficiency = new Mean();
  readonly #matches = new Mean();
  readonly #predictionErrors = new Mean();
  readonly #taskDurations = new Durations("role");
  readonly #assignment = new Durations();
  readonly #lockWaits = new Durations();
  readonly #recovery = new Durations();
  readonly #detection = new Durations();
  readonly #resolution = new Durations();
  #rebalanced = 0;
  readonly #claimed = new Open<number>();
  readonly #lost = new Open<number>();
  readonly #moved = new Open<string>();
  readonly #chosen = new Open<string>();
  readonly #predicted = new Open<Prediction>();
  readonly #queued = new Open<number>();

  observe(event: StoredEvent, { tasks, dependenciesEndedAt, efficiencies }: TalliedFacts): void {
    this.#events.add(event.type);
    if (event.type === "run.finished") this.#finished(efficiencies.get(event.run ?? ""));
    if (event.type === "task.ready") this.#ready(event.at, dependenciesEndedAt.get(event.task ?? ""));
    if (event.type === "lock.queued") this.#queued.set(String(event.data["request"]), event.at);
    if (event.type === "lock.granted") this.#granted(event);
    if (event.task !== null) this.#ofTask(event, event.task, tasks.get(event.task));
  }

  get families(): MetricFamily[] {
    const counter = (name: string, help: string, counts: LabelledCounts): MetricFamily => {
      return { name, help, type: "counter", samples: counts.samples };
    };
    const histogram = (name: string, help: string, durations: Durations): MetricFamily => {
      return { name, help, type: "histogram", samples: durations.samples };
    };
    return [
      counter("events_total", "Events of the history, by type.", this.#events),
      counter("tasks_total", "Tasks that ended, by outcome.", this.#ends),
      counter("reassigned_total", "Tasks that another agent took over, by how they ended.", this.#reassigned),
      this.#countOf("conflicts_total", "Conflicts that were found.", "conflict.found"),
      this.#countOf("circuit_breaker_opened_total", "Circuit breakers that opened.", "breaker.opened"),
      histogram("task_duration_seconds", "Attempts from claim to end, by role.", this.#taskDurations),
      histogram("task_assignment_duration_seconds", "Tasks from ready to claimed.", this.#assignment),
      histogram("lock_wait_seconds", "Requests for files from queued to granted.", this.#lockWaits),
      histogram("failure_recovery_duration_seconds", "Tasks from a lost lease to the next claim.", this.#recovery),
      histogram("failure_detection_seconds", "Failures from the last sign of life until found.", this.#detection),
      histogram("dependency_resolution_seconds", "Tasks from their last dependency to ready.", this.#resolution),
      this.#counted("rebalanced_total", "Reservations that moved to another agent.", this.#rebalanced),
      ratio("gate_pass_rate", "Share of gates that passed.", this.#gates),
      ratio("routing_accuracy_ratio", "Share of routed tasks in which the chosen agent succeeded.", this.#routed),
      ratio(
        "routing_match_ratio",
        "Share of the wanted capabilities that chosen agents have, the mean.",
        this.#matches,
      ),
      ratio(
        "routing_prediction_error",
        "Predicted success of chosen agents against what came, the mean square.",
        this.#predictionErrors,
      ),
      ratio("routing_fallback_ratio", "Share of choices of an agent of which nothing was learned.", this.#fallbacks),
      ratio("parallel_efficiency_ratio", "Work of ended runs over their time and width, the mean.", this.#efficiency),
    ];
  }

  /** Its durations and counts as figures; undefined where there is no case yet. */
  get figures() {
    return {
      succeeded: this.#ends.of("succeeded"),
      failed: this.#ends.of("dead_letter"),
      conflicts: this.#events.of("conflict.found"),
      assignment: this.#assignment.summary,
      duration: this.#taskDurations.summary,
      lockWait: this.#lockWaits.summary,
      recovery: this.#recovery.summary,
      gatePassRate: this.#gates.value,
      routingAccuracy: this.#routed.value,
    };
  }

  #countOf(name: string, help: string, type: string): MetricFamily {
    return this.#counted(name, help, this.#events.of(type));
  }

  #counted(name: string, help: string, value: number): MetricFamily {
    return { name, help, type: "counter", samples: [{ labels: {}, value }] };
  }

  #finished(efficiency: number | undefined): void {
    if (efficiency !== undefined) this.#efficiency.add(efficiency);
  }

  #ready(at: number, dependenciesEndedAt: number | undefined): void {
    if (dependenciesEndedAt !== undefined) this.#resolution.observe(at - dependenciesEndedAt);
  }

  #granted({ at, data }: StoredEvent): void {
    const queuedAt = this.#queued.take(String(data["request"]));
    if (queuedAt !== undefined) this.#lockWaits.observe(at - queuedAt);
  }

  #ofTask({ type, at, agent, data }: StoredEvent, id: string, task: TalliedTask | undefined): void {
    if (type === "task.claimed") this.#taken(id, { at, agent: agent ?? "" }, task);
    if (type === "task.lease_lost") {
      this.#lost.set(id, at);
      this.#claimed.take(id);
    }
    if (type === "task.routed" && agent !== null) this.#keptFor(id, agent, data);
    if (type === "task.assigned" && typeof data["from"] === "string") this.#rebalanced += 1;
    if (type === "task.recovered" && typeof data["detection_ms"] === "number")
      this.#detection.observe(data["detection_ms"]);
    if (TRIED.has(type)) this.#tried(id, agent, type === "task.succeeded");
    if (WORKED.has(type)) {
      const claimedAt = this.#claimed.take(id);
      if (claimedAt !== undefined) this.#taskDurations.observe(at - claimedAt, task?.role ?? NO_ROLE);
    }
    if (ENDED.has(type)) this.#ended(type.slice("task.".length), { id, agent, kind: task?.kind, data });
  }

  /** A choice has kept a task for an agent. */
  #keptFor(id: string, agent: string, data: StoredEvent["data"]): void {
    this.#chosen.set(id, agent);
    this.#fallbacks.add(data["fallback"] === true);
    const { success, candidates } = choiceSchema.safeParse(data).data ?? {};
    if (success !== undefined) this.#predicted.set(id, { agent, success });
    const match = candidates?.find((candidate) => candidate.agent === agent)?.parts?.["capability"];
    if (match !== undefined) this.#matches.add(match);
  }

  /** Holds the first attempt of a chosen agent against what was predicted; another agent's says nothing of it. */
  #tried(id: string, agent: string | null, isGood: boolean): void {
    const prediction = this.#predicted.get(id);
    if (prediction?.agent !== agent) return;
    this.#predicted.take(id);
    this.#predictionErrors.add((prediction.success - Number(isGood)) ** 2);
  }

  #taken(id: string, { at, agent }: { at: number; agent: string }, task: TalliedTask | undefined): void {
    this.#claimed.set(id, at);
    const readyAt = task?.readyAt ?? null;
    if (readyAt !== null && readyAt <= at) this.#assignment.observe(at - readyAt);
    const lostAt = this.#lost.take(id);
    if (lostAt === undefined) return;
    this.#recovery.observe(at - lostAt);
    this.#moved.set(id, agent);
  }

  #ended(outcome: string, task: { id: string; agent: string | null; kind?: StepKind | undefined; data: object }): void {
    this.#ends.add(outcome);
    if (this.#moved.take(task.id) !== undefined) this.#reassigned.add(outcome);
    const chosen = this.#chosen.take(task.id);
    if (outcome === "cancelled") return;
    const isGood = outcome === "succeeded";
    if (chosen !== undefined) this.#routed.add(isGood && chosen === task.agent);
    if (task.kind === "gate") this.#gates.add(isGood);
  }
}

/** The expectation of a chosen agent, for its first attempt. */
interface Prediction {
  readonly agent: string;
  /** Its probability of success. */
  readonly success: number;
}

const choiceSchema = z.object({
  success: z.number().optional(),
  candidates: z.array(z.object({ agent: z.string(), parts: z.record(z.string(), z.number()).optional() })).optional(),
});

/** No sample where there is nothing yet. */
function ratio(name: string, help: string, { value }: { readonly value: number | undefined }): MetricFamily {
  const samples: MetricSample[] = value === undefined ? [] : [{ labels: {}, value }];
  return { name, help, type: "gauge", samples };
}

/** Beginnings whose end has yet to come, by id. */
class Open<T> {
  readonly #begun = new Map<string, T>();

  set(id: string, value: T): void {
    this.#begun.delete(id);
    this.#begun.set(id, value);
    const [oldest] = this.#begun.size > OPEN_MAX ? this.#begun.keys() : [];
    if (oldest !== undefined) this.#begun.delete(oldest);
  }

  get(id: string): T | undefined {
    return this.#begun.get(id);
  }

  take(id: string): T | undefined {
    const value = this.#begun.get(id);
    this.#begun.delete(id);
    return value;
  }
}
