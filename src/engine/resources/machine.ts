import { nameFrom } from "../../base/names.js";
import type { ResourceType } from "../../base/statuses.js";
import type { Resource, ResourceUnit } from "../../store/resources/resources.js";
import type { EngineContext } from "../context.js";
import { UnknownGpus } from "../gpus.js";
import { thousandths } from "./amounts.js";

/** A resource with the capacity of its units. */
export interface Stock extends Resource {
  readonly units: readonly ResourceUnit[];
  /** Whether a row has it as it is: that of a machine is written with its next use. */
  readonly stored: boolean;
}

const GIB = 2 ** 30;

/** The id of a machine's own resource: `cpu@HOST`. Without the machine that of the caller is meant. */
export function ofMachine(name: string, host: string): string {
  return `${name}@${nameFrom(host, "host")}`.slice(0, RESOURCE_ID_MAX);
}

const RESOURCE_ID_MAX = 100;

/**
 * The resources of the caller's machine, which are there without being registered: its cores, its memory in GiB, and its GPUs, if any.
 * Only these ids, where some are named. Errors: `UnknownGpus` where its GPUs are asked for before they were looked for.
 */
export function machineStock(ctx: EngineContext, ids?: readonly string[]): Stock[] {
  const { machine } = ctx.server;
  if (machine === undefined) return [];
  const gpus = machine.gpus === undefined ? [] : machine.gpus.names;
  if (gpus === undefined && (ids === undefined || ids.includes(ofMachine("gpu", ctx.caller.host))))
    throw new UnknownGpus();
  const names = gpus ?? [];
  const stock = [
    stockOf(ctx, { type: "cpu", name: "processor cores", unit: "cores", capacity: machine.cores }),
    stockOf(ctx, { type: "memory", name: "memory in GiB", unit: "gb", capacity: machine.memoryBytes / GIB }),
    ...(names.length === 0
      ? []
      : [stockOf(ctx, { type: "gpu", name: listed(names), unit: "units", capacity: names.length })]),
  ];
  return ids === undefined ? stock : stock.filter(({ id }) => ids.includes(id));
}

/** `NVIDIA A100 (2), Tesla T4 (1)`. */
function listed(names: readonly string[]): string {
  const kinds = [...new Set(names)].map((name) => `${name} (${names.filter((one) => one === name).length})`);
  return kinds.join(", ").slice(0, NAME_LENGTH_MAX);
}

const NAME_LENGTH_MAX = 200;

interface Own {
  readonly type: ResourceType;
  readonly name: string;
  readonly unit: string;
  readonly capacity: number;
}

function stockOf(ctx: EngineContext, { type, name, unit, capacity }: Own): Stock {
  const id = ofMachine(type, ctx.caller.host);
  return {
    id,
    type,
    name,
    usersMax: null,
    host: ctx.caller.host,
    registeredBy: "baton",
    updatedAt: ctx.now,
    stored: false,
    units: [{ resource: id, unit, capacity: thousandths(capacity), allocated: 0 }],
  };
}
