import { foundation } from "./0001-foundation.js";
import { workflowEngine } from "./0002-workflow-engine.js";
import { wholeRuns } from "./0003-whole-runs.js";
import { milestonesAndSessions } from "./0004-milestones-and-sessions.js";
import { checkpoints } from "./0005-checkpoints.js";
import { letterReplays } from "./0006-letter-replays.js";
import { budgets } from "./0007-budgets.js";
import { askings } from "./0008-askings.js";
import { deadLetterSettings } from "./0009-dead-letter-settings.js";
import { fewerPages } from "./0010-fewer-pages.js";
import { cheaperChecks } from "./0011-cheaper-checks.js";
import { liveness } from "./0012-liveness.js";
import { takers } from "./0013-takers.js";
import { movedProjects } from "./0014-moved-projects.js";
import { quotas } from "./0015-quotas.js";
import { authors } from "./0016-authors.js";
import { phases } from "./0017-phases.js";
import { describedBy } from "./0018-described-by.js";
import { nestedProjects } from "./0019-nested-projects.js";
import { clientProcesses } from "./0020-client-processes.js";
import { imports } from "./0021-imports.js";
import { channels } from "./0022-channels.js";
import { artifacts } from "./0023-artifacts.js";
import { escalations } from "./0024-escalations.js";
import { usage } from "./0025-usage.js";
import { approvals } from "./0026-approvals.js";
import { artifactFigures } from "./0027-artifact-figures.js";
import { artifactsOfProjects } from "./0028-artifacts-of-projects.js";
import { notifications } from "./0029-notifications.js";
import { reviews } from "./0030-reviews.js";
import { budgetOverrides } from "./0031-budget-overrides.js";
import { contextWindows } from "./0032-context-windows.js";
import { reviewFiles } from "./0033-review-files.js";
import { usageByAge } from "./0034-usage-by-age.js";
import { meetingArtifacts } from "./0035-meeting-artifacts.js";
import { usageByTask } from "./0036-usage-by-task.js";
import { breakers } from "./0037-breakers.js";
import { resources } from "./0038-resources.js";
import { learning } from "./0039-learning.js";
import { requiredResources } from "./0040-required-resources.js";
import { lockIntents } from "./0041-lock-intents.js";
import { failedBy } from "./0042-failed-by.js";
import { conflicts } from "./0043-conflicts.js";
import { runQueue } from "./0044-run-queue.js";
import { workTrees } from "./0045-work-trees.js";
import { modeAdaptive } from "./0046-mode-adaptive.js";
import { yields } from "./0047-yields.js";
import { consumption } from "./0048-consumption.js";
import { runningAlone } from "./0049-running-alone.js";
import { accessTokens } from "./0050-access-tokens.js";
import { schedules } from "./0051-schedules.js";
import { attendedTokens } from "./0052-attended-tokens.js";
import { usageExports } from "./0053-usage-exports.js";
import { metricSamples } from "./0054-metric-samples.js";
import type { Migration } from "./migration.js";

export const migrations: readonly Migration[] = [
  foundation,
  workflowEngine,
  wholeRuns,
  milestonesAndSessions,
  checkpoints,
  letterReplays,
  budgets,
  askings,
  deadLetterSettings,
  fewerPages,
  cheaperChecks,
  liveness,
  takers,
  movedProjects,
  quotas,
  authors,
  phases,
  describedBy,
  nestedProjects,
  clientProcesses,
  imports,
  channels,
  artifacts,
  escalations,
  usage,
  approvals,
  artifactFigures,
  artifactsOfProjects,
  notifications,
  reviews,
  budgetOverrides,
  contextWindows,
  reviewFiles,
  usageByAge,
  meetingArtifacts,
  usageByTask,
  breakers,
  resources,
  learning,
  requiredResources,
  lockIntents,
  failedBy,
  conflicts,
  runQueue,
  workTrees,
  modeAdaptive,
  yields,
  consumption,
  runningAlone,
  accessTokens,
  schedules,
  attendedTokens,
  usageExports,
  metricSamples,
];

export const SCHEMA_VERSION = migrations.length;
