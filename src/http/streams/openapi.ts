import type { JsonObject } from "../../base/json.js";

const parameter = (name: string, description: string) => ({
  name,
  in: "query",
  description,
  schema: { type: "string" },
});

const FILTERS = [
  parameter(
    "after",
    "The id of the last event that was read, or `beginning`. Default: news alone. `Last-Event-ID` counts before it.",
  ),
  parameter("run", "Events of this run alone."),
  parameter("task", "Events of this task alone: its id, or `RUN/KEY`."),
  parameter("project", "Events of this project alone: its id or name."),
  parameter("agent", "Events of this agent alone."),
  parameter("types", "Events of these types alone, with commas between them; at most 32."),
];
const LAST_EVENT_ID = { name: "Last-Event-ID", in: "header", schema: { type: "string" } };
const STREAM = { "text/event-stream": { schema: { type: "string" } } };

/** The streams, as OpenAPI describes them. */
export function streamPaths(refusals: JsonObject): JsonObject {
  return {
    "/events": {
      get: {
        operationId: "follow_events",
        summary: "Follow the history",
        description:
          "The history as server-sent events: `start` says from where, then each event as list_events shows it, its id being the place to resume from; `gone` says that the place asked for is no longer there.",
        tags: ["streams"],
        parameters: [...FILTERS, LAST_EVENT_ID],
        responses: { "200": { description: "Events, as they come.", content: STREAM }, ...refusals },
      },
    },
    "/runs/{run}/progress": {
      get: {
        operationId: "follow_run_progress",
        summary: "Progress of a run",
        description:
          "As get_run_progress. With `Accept: text/event-stream` again after each change, as `progress`; `end` when the run has ended.",
        tags: ["streams"],
        parameters: [{ name: "run", in: "path", required: true, schema: { type: "string" } }],
        responses: {
          "200": {
            description: "How the run stands.",
            content: { "application/json": { schema: { type: "object" } }, ...STREAM },
          },
          ...refusals,
        },
      },
    },
  };
}
