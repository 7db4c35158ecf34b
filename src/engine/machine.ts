import { BatonError, type NextCall } from "../base/errors.js";

/** A state machine as data: for each state, the events it answers and the state each leads to. */
export type Machine<S extends string, E extends string> = {
  readonly name: string;
  readonly table: Readonly<Record<S, Partial<Record<E, S>>>>;
  /** The events that callers ask for, with the names of the calls; the server raises the others. */
  readonly asked: Readonly<Partial<Record<E, string>>>;
};

export interface Subject<S extends string> {
  readonly id: string;
  readonly status: S;
}

/**
 * The state that an event leads to. Errors: `invalid_transition`, listing the calls that are possible in the state.
 */
export function transition<S extends string, E extends string>(
  machine: Machine<S, E>,
  subject: Subject<S>,
  event: E,
): S {
  const to = machine.table[subject.status][event];
  if (to === undefined) throw illegal(machine, subject, event);
  return to;
}

export function canMove<S extends string, E extends string>(
  machine: Machine<S, E>,
  subject: Subject<S>,
  event: E,
): boolean {
  return machine.table[subject.status][event] !== undefined;
}

function illegal<S extends string, E extends string>(
  machine: Machine<S, E>,
  subject: Subject<S>,
  event: E,
): BatonError {
  const legal = Object.keys(machine.table[subject.status]).flatMap((possible) => machine.asked[possible as E] ?? []);
  const able = legal.length === 0 ? "no action is possible any more" : `possible actions: ${legal.join(", ")}`;
  const look: NextCall =
    machine.name === "run"
      ? { tool: "get_run", arguments: { run: subject.id } }
      : { tool: "get_task", arguments: { task: subject.id } };
  return new BatonError(
    "invalid_transition",
    `${machine.asked[event] ?? event} is not possible: ${machine.name} ${subject.id} is ${subject.status}; ${able}.`,
    { details: { [machine.name]: subject.id, status: subject.status, legal_actions: legal }, next: [look] },
  );
}

/** The machine as a Mermaid state diagram, for docs and the golden test. */
export function machineDiagram<S extends string, E extends string>(machine: Machine<S, E>): string {
  const lines = ["stateDiagram-v2"];
  for (const [from, events] of Object.entries<Partial<Record<E, S>>>(machine.table)) {
    for (const [event, to] of Object.entries<S | undefined>(events)) {
      if (to !== undefined) lines.push(`  ${from} --> ${to}: ${event}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
