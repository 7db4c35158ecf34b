import { committing, adding, removing, renaming, updatingIndex } from "./index-verbs.js";
import { checkingOut, cleaning, resetting, restoring, switching } from "./restoring-verbs.js";
import {
  bisecting,
  merging,
  patching,
  picking,
  pulling,
  readingTree,
  rebasing,
  removingWorktree,
} from "./moving-verbs.js";
import { stashing } from "./stash-verbs.js";
import type { VerbUses } from "./verb-call.js";

/** Verbs of git that change files, the index or the commit beneath them. */
export const VERBS: Readonly<Partial<Record<string, VerbUses>>> = {
  add: adding,
  stage: adding,
  commit: committing,
  rm: removing,
  mv: renaming,
  "update-index": updatingIndex,
  stash: stashing,
  checkout: checkingOut,
  switch: switching,
  restore: restoring,
  reset: resetting,
  clean: cleaning,
  merge: merging,
  pull: pulling,
  rebase: rebasing,
  "cherry-pick": picking,
  revert: picking,
  am: patching,
  apply: patching,
  bisect: bisecting,
  worktree: removingWorktree,
  "read-tree": readingTree,
  "checkout-index": readingTree,
};
