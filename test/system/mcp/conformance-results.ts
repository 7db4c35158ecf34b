/** Scenarios of the conformance suite that do not simply pass. All that are not named here do. */

export const PROTOCOLS = ["2026-07-28", "2025-11-25"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

const TASKS = "the extension io.modelcontextprotocol/tasks, which Baton does not declare";
const ASKS = "2025-11-25 is served without a stream of the server's own requests: Baton asks its clients nothing";
const SUBSCRIBES = "2025-11-25 is served without sessions, so that nothing could be subscribed to";
const RESUMES = "not required of a server: streams of single answers are not resumed, the call is made again";

/** Scenarios that do not apply, and why. */
export const DOES_NOT_APPLY: Readonly<Record<Protocol, Readonly<Record<string, string>>>> = {
  "2026-07-28": {
    "tasks-lifecycle": TASKS,
    "tasks-capability-negotiation": TASKS,
    "tasks-wire-fields": TASKS,
    "tasks-request-state-removal": TASKS,
    "tasks-mrtr-input": TASKS,
    "tasks-request-headers": TASKS,
    "tasks-dispatch-and-envelope": TASKS,
    "tasks-required-task-error": TASKS,
    "tasks-mrtr-composition": TASKS,
  },
  "2025-11-25": {
    "tools-call-sampling": ASKS,
    "tools-call-elicitation": ASKS,
    "elicitation-sep1034-defaults": ASKS,
    "elicitation-sep1330-enums": ASKS,
    "resources-subscribe": SUBSCRIBES,
    "resources-unsubscribe": SUBSCRIBES,
  },
};

/** Scenarios that pass with a warning, and why it stays. */
export const WARNED_OF: Readonly<Record<Protocol, Readonly<Record<string, string>>>> = {
  "2026-07-28": {},
  "2025-11-25": {
    "server-sse-multiple-streams": "there are no sessions",
    "server-sse-polling": RESUMES,
  },
};

/** Scenarios that call tools, prompts or resources of the suite's own: the fixture has them, Baton has not. */
const NAMED = [
  "completion-complete",
  "json-schema-2020-12",
  "prompts-get-embedded-resource",
  "prompts-get-simple",
  "prompts-get-with-args",
  "prompts-get-with-image",
  "resources-read-binary",
  "resources-read-text",
  "resources-templates-read",
  "tools-call-audio",
  "tools-call-embedded-resource",
  "tools-call-image",
  "tools-call-mixed-content",
  "tools-call-with-progress",
];

export const NAMES_WHAT_BATON_HAS_NOT: Readonly<Record<Protocol, readonly string[]>> = {
  "2026-07-28": [
    ...NAMED,
    "http-custom-header-server-validation",
    "input-required-result-basic-elicitation",
    "input-required-result-basic-list-roots",
    "input-required-result-basic-sampling",
    "input-required-result-capability-check",
    "input-required-result-multi-round",
    "input-required-result-multiple-input-requests",
    "input-required-result-non-tool-request",
    "input-required-result-request-state",
    "input-required-result-result-type",
    "input-required-result-tampered-state",
    "server-stateless",
  ],
  "2025-11-25": [...NAMED, "logging-set-level", "server-sse-polling", "tools-call-with-logging"],
};
