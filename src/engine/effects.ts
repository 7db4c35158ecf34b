import { countOutcomes } from "./breakers/breakers.js";
import { chargeBudgets } from "./cost/charges.js";
import { recordDeadLetters } from "./dead-letters/recording.js";
import type { Effect } from "./effect.js";
import { settleHandoffs } from "./handoffs/settling.js";
import { learnFromChange } from "./learning/observing.js";
import { advanceMilestones } from "./milestones/progress.js";
import { freeResources } from "./resources/tasks.js";
import { noteLostReviews } from "./reviews/lost-reviews.js";

/** The effects of a change of a run, in lock order. A room that reacts to changes adds its line here. */
export const effects: readonly Effect[] = [
  recordDeadLetters,
  noteLostReviews,
  settleHandoffs,
  countOutcomes,
  advanceMilestones,
  chargeBudgets,
  freeResources,
  learnFromChange,
];
