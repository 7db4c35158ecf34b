import { defined } from "../../base/json.js";
import type { InputOf, ResultOf } from "../../tools/registry.js";
import { table } from "../terminal/table.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";

export interface CostsOptions extends Shared {
  readonly by: NonNullable<InputOf<"get_costs">["group_by"]>;
  readonly run?: string;
  readonly project?: string;
}

/** `baton costs`: of one run, one project, or all of them. */
export async function listCosts(
  { call, stdout }: CommandContext,
  { by, run, project }: CostsOptions,
): Promise<CommandAnswer> {
  const where = run === undefined && project === undefined ? { all_projects: true } : defined({ run, project });
  const found = await call("get_costs", { group_by: by, ...where });
  if (found.total.records === 0) return { data: found, text: "No use of a model was reported." };
  const rows = [...found.groups.map((group) => [nameOf(group[by]), ...cells(group)]), ["total", ...cells(found.total)]];
  const lines = table([by, "US$", "input", "cached", "output"], rows, stdout);
  return { data: found, text: [lines, ...remarks(found)].join("\n") };
}

type Costs = ResultOf<"get_costs">["total"];

function cells({ cost, input_tokens, cached_tokens, output_tokens }: Costs): string[] {
  return [cost.toFixed(4), ...[input_tokens, cached_tokens, output_tokens].map(String)];
}

function nameOf(value: unknown): string {
  return typeof value === "string" ? value : "(none)";
}

function remarks({ total, more }: ResultOf<"get_costs">): string[] {
  const { unpriced = 0, list_price_estimate: estimate } = total;
  const which = unpriced === 1 ? "1 report is of a model" : `${unpriced} reports are of models`;
  return [
    ...(estimate === undefined ? [] : [`US$ ${estimate.toFixed(4)} of it are estimated by list prices.`]),
    ...(unpriced > 0
      ? [`${which} without a known price, which is counted as nothing: set "prices" in baton.json.`]
      : []),
    ...(more ? ["There are further groups; the total has them."] : []),
  ];
}
