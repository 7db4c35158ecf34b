import type { Finding } from "../checker.js";
import type { Snapshot } from "../snapshot.js";

/** Resources with more allocated, or more holders, than they may, or than allocations say; and allocations of tasks that no agent holds. */
export function resourceFindings({ together, tasks }: Snapshot): Finding[] {
  const details = [
    ...together.units.flatMap(({ id, capacity, allocated, held, usersMax, users }): Detail[] => [
      ...(allocated === held
        ? []
        : [[id, `counts ${allocated} as allocated, and its allocations have ${held}`] as const]),
      ...(held <= capacity ? [] : [[id, `its allocations have ${held} of ${capacity}`] as const]),
      ...(usersMax === null || users <= usersMax ? [] : [[id, `${users} holders, at most ${usersMax}`] as const]),
    ]),
    ...together.allocations.flatMap(({ id, task }): Detail[] => {
      const held = task === null ? undefined : tasks.get(task);
      return task === null || held?.status === "running" ? [] : [[id, `task ${task} is ${held?.status ?? "gone"}`]];
    }),
  ];
  return details.map(([subject, detail]) => ({ invariant: "resources", subject, detail }));
}

type Detail = readonly [subject: string, detail: string];
