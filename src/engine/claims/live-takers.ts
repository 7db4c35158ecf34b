import type { Demand } from "../../store/scheduling/lanes.js";
import { demandsAtHand } from "../../store/scheduling/obstacles.js";
import { reviewKey } from "../../store/reviews/review-key.js";
import type { Tx } from "../../store/tx.js";
import { liveOffers } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import type { Step } from "../definitions/definition.js";
import { meets, type Offer } from "../scheduling/demands.js";
import { withTasksWorkedOn } from "../agents/parties.js";
import { OTHER_HANDLES } from "./no-work-details.js";

// Work that waits for an agent that is not there: roles that no live agent offers, and checks by another one than the author where there is no other.

/** Whether any live agent may take a task of a demand, reserved or not. */
export function* hasLiveTaker(demand: Demand, offers: readonly Offer[]): Tx<boolean> {
  const open = { ...demand, reservedFor: null };
  for (const offer of offers) if (meets(yield* withTasksWorkedOn(offer, [open]), open)) return true;
  return false;
}

/** A demand of ready tasks that no live agent meets. */
export interface Unserved {
  readonly project: string;
  readonly ready: number;
  readonly wants: string;
}

/** The demands on agents that have ready tasks in open runs and that no live agent meets, by project. A query. */
export function* unservedDemands(ctx: EngineContext): Tx<Unserved[]> {
  const demands = yield* demandsAtHand(DEMANDS_MAX);
  if (demands.length === 0) return [];
  const offers = yield* liveOffers(ctx);
  const unserved: Unserved[] = [];
  for (const { demand, ready } of demands) {
    if (yield* hasLiveTaker(demand, offers)) continue;
    unserved.push({ project: demand.project, ready, wants: wantsOf(demand) });
  }
  return unserved;
}

const DEMANDS_MAX = 100;

function wantsOf({ role, requires, notBy }: Demand): string {
  return [
    role === null ? undefined : `the role ${role}`,
    requires.length === 0 ? undefined : `the capabilities ${requires.join(", ")}`,
    notBy.length === 0 ? undefined : "another agent than one that worked on what they check",
  ]
    .filter((one) => one !== undefined)
    .join(" and ");
}

/** Warns of steps that no live agent could take now. An agent may still come, or offer a role with its claim. */
export function* takerWarnings(ctx: EngineContext, steps: readonly Step[], byHandle: boolean): Tx<string[]> {
  const agentSteps: Taken[] = steps
    .filter(({ kind }) => kind === "agent" || kind === "plan")
    .flatMap((step) => [step, ...reviewOf(step)]);
  if (!agentSteps.some(({ role, not_by }) => role !== undefined || not_by !== undefined)) return [];
  const offers = yield* liveOffers(ctx);
  const roles = new Map<string, number>();
  for (const { role } of agentSteps)
    if (role !== undefined && offers.every((offer) => !offer.roles.has(role)))
      roles.set(role, (roles.get(role) ?? 0) + 1);
  const byKey = new Map(agentSteps.map((step) => [step.key, step]));
  const alone = agentSteps.filter((step) => !hasOtherTaker(step, { byKey, offers, byHandle })).map(({ key }) => key);
  return [
    ...[...roles].map(
      ([role, count]) =>
        `No live agent offers the role ${role}, which ${count === 1 ? "a step asks" : `${count} steps ask`} for: register_agent with it, or offer it with claim_task roles.`,
    ),
    ...(alone.length === 0
      ? []
      : [
          `No live agent could take ${alone.join(", ")}: not_by wants another one than worked on what is checked, on another connection${byHandle ? " or under another handle" : OTHER_HANDLES}.`,
        ]),
  ];
}

type Taken = Pick<Step, "key" | "role" | "not_by">;

/** The first review of a step's result, as far as agents take it. */
function reviewOf({ key, review }: Step): Taken[] {
  return review === undefined || review.by === "human"
    ? []
    : [{ key: reviewKey(key, 1), role: review.by, not_by: [key] }];
}

interface Candidates {
  readonly byKey: ReadonlyMap<string, Taken>;
  readonly offers: readonly Offer[];
  readonly byHandle: boolean;
}

/** Whether two different live agents could take the step and each step that it is not to be taken by. */
function hasOtherTaker(step: Taken, { byKey, offers, byHandle }: Candidates): boolean {
  const able = (one: Taken | undefined): Offer[] =>
    one === undefined ? [...offers] : offers.filter((offer) => one.role === undefined || offer.roles.has(one.role));
  return (step.not_by ?? []).every((key) => {
    const authors = able(byKey.get(key));
    return able(step).some((taker) => authors.some((author) => partyOf(taker, byHandle) !== partyOf(author, byHandle)));
  });
}

function partyOf({ agent, parties }: Offer, byHandle: boolean): string {
  return byHandle ? agent : ([...parties].find((party) => party.startsWith("session:")) ?? agent);
}
