import { agentOperations } from "./agents.js";
import { Catalogue } from "./catalogue.js";
import { checkpointOperations } from "./checkpoints.js";
import { claimOperations } from "./claims.js";
import { deadLetterOperations } from "./dead-letters.js";
import { escalationOperations } from "./escalations.js";
import { executionOperations } from "./executions.js";
import { importOperations } from "./imports.js";
import { lockOperations } from "./locks.js";
import { metaOperations } from "./meta.js";
import { orchestrateOperations } from "./orchestrate.js";
import { projectOperations } from "./projects.js";
import { runOperations } from "./runs.js";
import { signalOperations } from "./signals.js";
import { systemOperations } from "./system.js";
import { taskOperations } from "./tasks.js";
import { waitOperations } from "./waits.js";
import { workflowOperations } from "./workflows.js";

/** Every operation there is, area by area: the order of the tool list, the reference and `find_operations`. */
export const catalogue = new Catalogue([
  ...metaOperations,
  ...projectOperations,
  ...workflowOperations,
  ...importOperations,
  ...executionOperations,
  ...orchestrateOperations,
  ...runOperations,
  ...waitOperations,
  ...signalOperations,
  ...taskOperations,
  ...claimOperations,
  ...lockOperations,
  ...agentOperations,
  ...escalationOperations,
  ...deadLetterOperations,
  ...checkpointOperations,
  ...systemOperations,
]);
