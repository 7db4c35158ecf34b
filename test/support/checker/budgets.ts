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
    ...[...budgets.values()]
      .filter(({ run, spent }) => spent !== costOf(run))
      .map(({ run, spent }) => [
        run,
        `${spent} are spent of its budget, its attempts and those within it cost ${costOf(run)}`,
      ]),
    ...[...runs.values()].flatMap((run) => runFindings(run, snapshot)),
    ...claimFindings(snapshot),
  ] as const;
  return details.map(([subject = "", detail = ""]) => ({ invariant: "budgets", subject, detail }));
}

type Detail = readonly [subject: string, detail: string];

/** Holds a run's counters against its attempts. */
function ownCostFindings({ tasks, attempts, counters }: Snapshot): Detail[] {
  const costs = new Map<string, number>();
  for (const { task, usage } of attempts) {
    const run = tasks.get(task)?.run ?? "";
    costs.set(run, (costs.get(run) ?? 0) + microsOf(Number(usage?.["cost"] ?? 0)));
  }
  return [...counters].flatMap(([run, row]): Detail[] => {
    const [kept, counted] = [int(row, "cost_micros"), costs.get(run) ?? 0];
    return kept === counted ? [] : [[run, `cost ${kept}, its attempts ${counted}`]];
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
  const nearest = over[0]?.run ?? null;
  if (run.budgetOf !== nearest)
    return [[run.id, `says that ${run.budgetOf ?? "none"} has its budget, and ${nearest ?? "none"} has`]];
  const spent = over.some(({ limit, spent: cost, blockAt }) => cost >= Math.round(limit * blockAt));
  return run.overBudget && !spent ? [[run.id, "is closed, and no budget is spent"]] : [];
}

/** Once a budget is spent, no task under it is claimed until a new budget is set. */
function claimFindings(snapshot: Snapshot): Detail[] {
  const blocked = new Set<string>();
  const details: Detail[] = [];
  for (const { type, run, data, seq } of snapshot.events) {
    const budget = data["budget"] as { run: string; state: string } | null | undefined;
    if (type === "run.budget_blocked" && budget) blocked.add(budget.run);
    if (type === "run.budget_set" && run !== null) {
      if (budget?.state === "blocked") blocked.add(run);
      else blocked.delete(run);
    }
    // A task that is handed over was claimed before: a spent budget lets work that is under way go on.
    if (type !== "task.claimed" || data["handoff"] !== undefined || run === null) continue;
    const spent = aboveOf(run, snapshot).find((id) => blocked.has(id));
    if (spent !== undefined) details.push([run, `claimed from (event ${seq}) though the budget of ${spent} was spent`]);
  }
  return details;
}

/** A run and those that it is within. */
function aboveOf(run: string, { runs }: Snapshot): string[] {
  const found: string[] = [];
  for (let at: string | null = run; at !== null; at = runs.get(at)?.parentRun ?? null) found.push(at);
  return found;
}
