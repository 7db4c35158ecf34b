import { listCheckpointPage } from "../engine/checkpoints/checkpoints.js";
import { failuresOf } from "../engine/tasks/queries.js";
import { toMermaid } from "../engine/graph/diagrams.js";
import { latestEventsOf, listRunPage, runPicture } from "../engine/runs/queries.js";
import { getRun } from "../engine/runs/runs.js";
import { suggestRuns } from "../engine/system/completions.js";
import { requireRun } from "../engine/lookup.js";
import { eventView } from "../engine/events/views.js";
import { overviewView, runView } from "../engine/runs/views.js";
import { type FixedResource, isNote, LISTED_MAX, type ResourceTemplate } from "./resource.js";

const EVENTS_SHOWN_MAX = 500;
const CHECKPOINTS_SHOWN_MAX = 50;

export const runs: FixedResource = {
  uri: "baton://runs",
  name: "runs",
  title: "Runs",
  description: "The newest 200 runs of all projects, each with its counts and progress; list_runs pages and filters.",
  *read() {
    const page = yield* listRunPage({ limit: LISTED_MAX });
    const lines = page.runs.map(({ run, counters }) => runView(run, counters));
    return { runs: lines, ...page.next };
  },
  // The removal of an old run stands in the history of its project alone.
  changedBy: (change) => change.type.startsWith("run.") || (change.run !== null && !isNote(change)),
};

/** All that a run's resources have in common. */
const ofARun = {
  complete: suggestRuns,
  *follow(_: unknown, id: string) {
    return [(yield* requireRun(id)).id];
  },
} satisfies Partial<ResourceTemplate>;

export const run: ResourceTemplate = {
  ...ofARun,
  uriTemplate: "baton://runs/{id}",
  name: "run",
  title: "Run",
  description:
    "A run: status, progress and counts, and the first 20 tasks each that are ready, running, waiting, blocked with reasons, or dead letters, with every attempt of these.",
  *read(_, id) {
    const overview = yield* getRun(id);
    return { ...overviewView(overview), failures: yield* failuresOf(overview.dead) };
  },
  changedBy: (change) => change.run,
};

export const graph: ResourceTemplate = {
  ...ofARun,
  uriTemplate: "baton://runs/{id}/graph",
  name: "run-graph",
  title: "Graph of a run",
  description: "A run's whole graph with the state of each task, as Mermaid text.",
  mimeType: "text/vnd.mermaid",
  *read(_, id) {
    return toMermaid(yield* runPicture(id));
  },
  changedBy: (change) => (isNote(change) ? null : change.run),
};

export const events: ResourceTemplate = {
  ...ofARun,
  uriTemplate: "baton://runs/{id}/events",
  name: "run-events",
  title: "History of a run",
  description:
    "The newest 500 events of a run, oldest first, and the cursor with which list_events reads on; list_events without a cursor reads the history from its beginning.",
  *read(_, id) {
    const { events: latest, cursor } = yield* latestEventsOf(id, EVENTS_SHOWN_MAX);
    return { events: latest.map(eventView), next_cursor: cursor };
  },
  changedBy: (change) => change.run,
};

export const checkpoints: ResourceTemplate = {
  ...ofARun,
  uriTemplate: "baton://runs/{id}/checkpoints",
  name: "run-checkpoints",
  title: "Checkpoints of a run",
  description:
    "Checkpoints of a run, the newest 50 first: label, size, tasks by state then, and what has changed since; list_checkpoints pages the rest, resume_from_checkpoint goes back to one.",
  read: (_, id) => listCheckpointPage({ run: id, limit: CHECKPOINTS_SHOWN_MAX }),
  changedBy: (change) => (isNote(change) ? null : change.run),
};
