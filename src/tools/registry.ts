import { accessOperations } from "./access.js";
import { agentOperations } from "./agents.js";
import { artifactOperations } from "./artifacts.js";
import { budgetOperations } from "./cost.js";
import { usageOperations } from "./usage.js";
import { brief } from "./briefs.js";
import { Catalogue } from "../dispatch/catalogue.js";
import { channelOperations } from "./channels.js";
import { checkpointOperations } from "./checkpoints.js";
import { claim } from "./claims.js";
import { createComplex } from "./complex-workflows.js";
import { conflictOperations } from "./conflicts.js";
import { contextOperations } from "./context-windows.js";
import { tokenOperations } from "./tokens.js";
import { deadLetterOperations } from "./dead-letters.js";
import { escalationOperations } from "./escalations.js";
import { executionOperations } from "./executions.js";
import { exportRunOperation } from "./exports.js";
import { forecastOperations } from "./forecasts.js";
import { handoffOperations } from "./handoffs.js";
import { importWorkflow } from "./imports.js";
import { learningOperations } from "./learning.js";
import { loadOperations } from "./load.js";
import { lockOperations } from "./locks.js";
import { milestoneOperations } from "./milestones.js";
import { meetingOperations } from "./meetings.js";
import { metaOperations } from "./meta.js";
import { modifyRun } from "./modifications.js";
import { performanceOperations } from "./performance.js";
import { orchestrate } from "./planning.js";
import { listTemplates } from "./templates.js";
import { modelAdviceOperations } from "./recommendations.js";
import { notificationOperations } from "./notifications.js";
import { projectOperations } from "./projects.js";
import { resourceOperations } from "./resources.js";
import { breakerOperations } from "./breakers.js";
import { recoveryOperations } from "./recovery.js";
import { reviewOperations } from "./reviews.js";
import { routingOperations } from "./routing.js";
import { runOperations } from "./runs.js";
import { signal } from "./signals.js";
import { supervisionOperations } from "./supervision.js";
import { metricOperations } from "./metrics.js";
import { systemOperations } from "./system.js";
import { taskOperations } from "./tasks.js";
import { validationOperations } from "./validation.js";
import { waitFor } from "./events.js";
import { scheduleOperations } from "./schedules.js";
import { searchOperations } from "./search.js";
import { workSessionOperations } from "./work-sessions.js";
import { workflowOperations } from "./workflows.js";

/** Every operation there is, area by area: the order of the tool list, the reference and `find_operations`. */
const operations = [
  ...metaOperations,
  ...projectOperations,
  ...milestoneOperations,
  listTemplates,
  ...workflowOperations,
  createComplex,
  importWorkflow,
  ...executionOperations,
  orchestrate,
  ...runOperations,
  exportRunOperation,
  modifyRun,
  waitFor,
  signal,
  ...taskOperations,
  claim,
  brief,
  ...lockOperations,
  ...conflictOperations,
  ...artifactOperations,
  ...validationOperations,
  ...agentOperations,
  ...learningOperations,
  ...routingOperations,
  ...loadOperations,
  ...performanceOperations,
  ...resourceOperations,
  ...breakerOperations,
  ...recoveryOperations,
  ...channelOperations,
  ...handoffOperations,
  ...meetingOperations,
  ...supervisionOperations,
  ...reviewOperations,
  ...escalationOperations,
  ...notificationOperations,
  ...deadLetterOperations,
  ...scheduleOperations,
  ...workSessionOperations,
  ...checkpointOperations,
  ...contextOperations,
  ...tokenOperations,
  ...budgetOperations,
  ...usageOperations,
  ...forecastOperations,
  ...modelAdviceOperations,
  ...systemOperations,
  ...accessOperations,
  ...metricOperations,
  ...searchOperations,
] as const;

export const catalogue = new Catalogue(operations);

type Registered = (typeof operations)[number];
export type OperationName = Registered["name"];
type SignatureOf<N extends OperationName> = NonNullable<Extract<Registered, { readonly name: N }>["signature"]>;
/** The input of an operation as a caller writes it. */
export type InputOf<N extends OperationName> = SignatureOf<N>["input"];
/** The result of an operation, as dispatch has checked it. */
export type ResultOf<N extends OperationName> = SignatureOf<N>["result"];
