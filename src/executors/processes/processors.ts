import { readFileSync } from "node:fs";

/** The processors that commands of this process are held to: those that fewest have go to the next. Linux alone has such a hold. */
export class Processors {
  #users: Map<number, number> | undefined;

  /** Returns so many processors, and what gives them back; none where there are no more, or where no hold is possible. */
  take(count: number): { readonly processors: readonly number[]; readonly giveBack: () => void } {
    const users = (this.#users ??= new Map(allowed().map((processor) => [processor, 0])));
    if (count >= users.size) return { processors: [], giveBack: () => {} };
    const processors = [...users]
      .toSorted(([a, ofA], [b, ofB]) => ofA - ofB || a - b)
      .slice(0, count)
      .map(([processor]) => processor);
    const note = (by: number) => {
      for (const one of processors) users.set(one, (users.get(one) ?? 0) + by);
    };
    note(1);
    return { processors, giveBack: () => note(-1) };
  }
}

/** The processors that this process may use. */
function allowed(): number[] {
  if (process.platform !== "linux") return [];
  const [, list = ""] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  return list.split(",").flatMap((range) => {
    const [first = NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 || 0 }, (_, at) => first + at);
  });
}

const HOLD = 'taskset -pc "$0" $$ >/dev/null 2>&1; exec "$@"';

/** A shell that is held to these processors before it starts, where the system has `taskset` and lets it. */
export function heldTo(
  processors: readonly number[],
  shell: readonly [program: string, ...args: string[]],
): readonly [program: string, ...args: string[]] {
  return processors.length === 0 ? shell : ["/bin/sh", "-c", HOLD, processors.join(","), ...shell];
}
