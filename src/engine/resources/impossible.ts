import { grouped } from "../../base/lists/groups.js";
import type { Requirements } from "../../store/resources/resources.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { fromThousandths, thousandths } from "./amounts.js";
import type { Stock } from "./machine.js";
import { wholeStock } from "./stock.js";

interface Requiring {
  readonly key: string;
  readonly resources?: Requirements | undefined;
}

const NAMED_MAX = 3;
const WARNINGS_MAX = 10;

/**
 * Warns of steps that require what no resource known now could give: an unknown one, a unit that it is not measured in, or more than there
 * is. Reads nothing where no step requires any. A query.
 */
export function* impossibleResources(ctx: EngineContext, steps: readonly Requiring[]): Tx<string[]> {
  const wanted = steps.flatMap(({ key, resources = {} }) =>
    Object.entries(resources).flatMap(([resource, units]) =>
      Object.entries(units).map(([unit, amount]) => ({ key, resource, unit, amount })),
    ),
  );
  if (wanted.length === 0) return [];
  const stock = yield* wholeStock(ctx);
  const found = wanted.flatMap((one) => {
    const why = whyImpossible(one, stock);
    return why === undefined ? [] : [{ key: one.key, why }];
  });
  const warnings = [...grouped(found, ({ why }) => why)].map(([why, those]) => {
    const keys = [...new Set(those.map(({ key }) => key))];
    const more = keys.length > NAMED_MAX ? ` and ${keys.length - NAMED_MAX} more` : "";
    const named = `${keys.slice(0, NAMED_MAX).join(", ")}${more}`;
    return `${named} ${keys.length === 1 ? "requires" : "require"} ${why}: no claim takes it before register_resource makes that known`;
  });
  return warnings.length > WARNINGS_MAX ? [...warnings.slice(0, WARNINGS_MAX), "and more of this kind"] : warnings;
}

interface Amount {
  readonly resource: string;
  readonly unit: string;
  readonly amount: number;
}

function whyImpossible({ resource, unit, amount }: Amount, stock: readonly Stock[]): string | undefined {
  const named = stock.filter(({ id }) => id === resource);
  // Resources of any machine count: which one carries the step out is not known yet.
  const ofMachines = stock.filter(({ id, host }) => host !== null && id.startsWith(`${resource}@`));
  const candidates = named.length > 0 ? named : ofMachines;
  if (candidates.length === 0) return `${resource}, which is not known`;
  const measured = candidates.flatMap((one) => one.units.filter((its) => its.unit === unit));
  if (measured.length === 0) {
    const units = new Set(candidates.flatMap((one) => one.units.map((its) => its.unit)));
    return `${resource} in ${unit}, though it is measured in ${[...units].join(", ")}`;
  }
  const most = Math.max(...measured.map(({ capacity }) => capacity));
  if (thousandths(amount) <= most) return undefined;
  const where = named.length > 0 ? "there are" : "no machine that is known has more than";
  return `${amount} ${unit} of ${resource}, and ${where} ${fromThousandths(most)}`;
}
