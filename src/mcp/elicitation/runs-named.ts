type Data = Readonly<Record<string, unknown>>;

const LIST_MAX = 50;

/** The runs that an input or an answer is about: not those that a list of runs happens to name. */
export function runsNamedIn(data: Data): string[] {
  const { arguments: nested, result } = data;
  // Of query_operation and call_operation.
  const inner = [nested, result].filter(isData).flatMap(runsOf);
  return [...new Set([...runsOf(data), ...inner])];
}

function runsOf({ run, task, events, escalations, tasks }: Data): string[] {
  return [
    ...ofRun(run),
    ...ofTask(task),
    ...listed(events).flatMap((event) => ofRun(event["run"])),
    ...listed(escalations).flatMap((escalation) => ofTask(escalation["task"])),
    ...listed(tasks).flatMap(ofTask),
  ];
}

/** Its id, or the run itself. */
function ofRun(run: unknown): string[] {
  if (isData(run)) return ofRun(run["id"]);
  return typeof run === "string" && /^run_[0-9a-z]{1,32}$/.test(run) ? [run] : [];
}

/** A task, or its address within its run. */
function ofTask(task: unknown): string[] {
  return isData(task) ? ofRun(task["run"]) : typeof task === "string" ? ofRun(task.split("/")[0]) : [];
}

function listed(value: unknown): Data[] {
  return Array.isArray(value) ? value.slice(0, LIST_MAX).filter(isData) : [];
}

function isData(value: unknown): value is Data {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
