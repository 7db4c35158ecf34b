import { int } from "../../../src/store/rows.js";
import { microsOf } from "../../../src/base/money.js";
import type { Finding } from "./checker.js";
import { type BudgetRow, groupsOf, type RunRow, type Snapshot } from "./snapshot.js";

/** Budgets that do not say what the attempts say, and claims that a spent budget should have stopped. */
export function budgetFindings(snapshot: Snapshot): Finding[] {
  const { runs, budgets } = snapshot;
  const within = groupsOf([...runs.values()], ({ parentRun }) => parentRun ?? "");
  const costOf = (id: string): number => {
    const own = snapshot.counters.get(id);
    const below = (within.get(id) ?? []).reduce((sum, run) => sum + costOf(run.id), 0);
    return below + (own === undefined ? 0 : int(own, "cost_micros"));
  };
  const details = [
    ...ownCostFindings(snapshot),
    ...attemptFindings(snapshot),
    ...[...budgets.values()].flatMap((budget): Detail[] => {
      const { id, scope, spent } = budget;
      const cost = scope === "run" ? costOf(id) : widerCost(budget, snapshot);
      return spent === cost ? [] : [[id, `${spent} are spent of its budget, what it covers costs ${cost}`]];
    }),
    ...[...runs.values()].flatMap((run) => runFindings(run, snapshot)),
    ...claimFindings(snapshot),
    ...overrideFindings(snapshot),
  ] as const;
  return details.map(([subject, detail]) => ({ invariant: "budgets", subject, detail }));
}

type Detail = readonly [subject: string, detail: string];

/** The cost that counts against the budget of a project, an agent or all. */
function widerCost({ id, scope }: BudgetRow, { usages }: Snapshot): number {
  const own = usages.filter(
    ({ project, agent }) => scope === "global" || (scope === "project" ? project : `agent:${agent}`) === id,
  );
  return own.reduce((sum, { cost }) => sum + cost, 0);
}

/** Holds a run's counters against the usage that was recorded of it. */
function ownCostFindings({ usages, counters }: Snapshot): Detail[] {
  const costs = new Map<string, number>();
  for (const { run, cost } of usages) if (run !== null) costs.set(run, (costs.get(run) ?? 0) + cost);
  return [...counters].flatMap(([run, row]): Detail[] => {
    const [kept, counted] = [int(row, "cost_micros"), costs.get(run) ?? 0];
    return kept === counted ? [] : [[run, `cost ${kept}, its recorded usage ${counted}`]];
  });
}

/** Holds the usage that was recorded of attempts against what their holders said. */
function attemptFindings({ usages, attempts }: Snapshot): Detail[] {
  const recorded = new Map<string, number>();
  for (const { task, attempt, cost } of usages)
    if (attempt !== null) recorded.set(`${task}/${attempt}`, (recorded.get(`${task}/${attempt}`) ?? 0) + cost);
  return attempts.flatMap(({ task, number, usage }): Detail[] => {
    const [said, kept] = [usage?.["cost"], recorded.get(`${task}/${number}`) ?? 0];
    if (said === undefined || microsOf(Number(said)) === kept) return [];
    return [[task, `attempt ${number} cost ${Number(said)}, of which ${kept} millionths are recorded`]];
  });
}

/** The budgets that hold for a run, the nearest first. */
function budgetsOver(run: RunRow | undefined, { runs, budgets }: Snapshot): BudgetRow[] {
  const found: BudgetRow[] = [];
  for (let at = run; at !== undefined; at = at.parentRun === null ? undefined : runs.get(at.parentRun)) {
    const budget = budgets.get(at.id);
    if (budget) found.push(budget);
  }
  return found;
}

function runFindings(run: RunRow, snapshot: Snapshot): Detail[] {
  const over = budgetsOver(run, snapshot);
  const nearest = over[0]?.id ?? null;
  if (run.budgetOf !== nearest)
    return [[run.id, `says that ${run.budgetOf ?? "none"} has its budget, and ${nearest ?? "none"} has`]];
  const spent = over.some(({ limit, spent: cost, blockAt }) => cost >= Math.round(limit * blockAt));
  return run.overBudget && !spent ? [[run.id, "is closed, and no budget is spent"]] : [];
}

/** Questions to raise a budget that is asked already, or that is not spent. */
function overrideFindings({ overrides, budgets }: Snapshot): Detail[] {
  const asked = new Set<string>();
  return overrides.flatMap(({ id, budget, isOpen }): Detail[] => {
    if (!isOpen) return [];
    if (asked.has(budget)) return [[id, `asks to raise the budget of ${budget} a second time`]];
    asked.add(budget);
    const found = budgets.get(budget);
    const isSpent = found !== undefined && found.spent >= Math.round(found.limit * found.blockAt);
    return isSpent || found === undefined || found.toAsk ? [] : [[id, `asks to raise ${budget}, which is not spent`]];
  });
}

/** Once a budget is spent, no task under it is claimed until a new budget is set. */
function claimFindings(snapshot: Snapshot): Detail[] {
  const blocked = new Set<string>();
  const details: Detail[] = [];
  for (const { type, run, project, agent, data, seq } of snapshot.events) {
    const { budget } = data as { budget?: EventBudget | null };
    if (/budget[._]blocked$/.test(type) && budget) blocked.add(keyOf(budget));
    if (type === "run.budget_set" && run !== null) mark(blocked, { scope: "run", run, ...budget });
    if (type === "budget.set") mark(blocked, { scope: String(data["scope"]), ...data, ...budget });
    // A task that is handed over was claimed before: a spent budget lets work that is under way go on.
    if (type !== "task.claimed" || data["handoff"] !== undefined || run === null) continue;
    const over = [...aboveOf(run, snapshot), project ?? "", `agent:${agent ?? ""}`, "global"];
    const spent = over.find((id) => blocked.has(id));
    if (spent !== undefined) details.push([run, `claimed from (event ${seq}) though the budget of ${spent} was spent`]);
  }
  return details;
}

interface EventBudget {
  readonly scope: string;
  readonly run?: string;
  readonly project?: string;
  readonly agent?: string;
  readonly state?: string;
}

function keyOf({ scope, run, project, agent }: EventBudget): string {
  return run ?? project ?? (scope === "agent" ? `agent:${agent}` : scope);
}

/** Notes whether a budget that was set, or removed, is spent. */
function mark(blocked: Set<string>, budget: EventBudget): void {
  if (budget.state === "blocked") blocked.add(keyOf(budget));
  else blocked.delete(keyOf(budget));
}

/** A run and those that it is within. */
function aboveOf(run: string, { runs }: Snapshot): string[] {
  const found: string[] = [];
  for (let at: string | null = run; at !== null; at = runs.get(at)?.parentRun ?? null) found.push(at);
  return found;
}
