/** Words that other systems have for a value of a closed list, each with those of Baton that mean the same: the one that the list has is meant. */
const FOREIGN_WORDS: Readonly<Record<string, readonly string[]>> = {
  done: ["succeeded", "completed"],
  complete: ["succeeded", "completed"],
  completed: ["succeeded"],
  success: ["succeeded"],
  successful: ["succeeded"],
  in_progress: ["running"],
  active: ["running"],
  claimed: ["running"],
  failed: ["dead_letter"],
  failure: ["failed", "dead_letter"],
  canceled: ["cancelled"],
  abort: ["cancel"],
  continue: ["resume"],
  unpause: ["resume"],
  retry: ["retry_failed"],
  urgent: ["critical"],
  highest: ["critical"],
  medium: ["normal"],
  lowest: ["low"],
  all_success: ["all_succeeded"],
  one_success: ["one_succeeded"],
  always: ["all_done"],
  write: ["exclusive"],
  read: ["shared"],
  run_ended: ["run_finished"],
  run_completed: ["run_finished"],
  task_finished: ["task_ended"],
  task_completed: ["task_ended"],
};

/** The word of a closed list that a text means: itself but for capitals, spaces and hyphens, or what another system calls so. */
export function wordMeant(words: readonly unknown[], text: string): string | undefined {
  if (words.includes(text)) return text;
  const plain = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, "_");
  if (words.includes(plain)) return plain;
  return Object.hasOwn(FOREIGN_WORDS, plain) ? FOREIGN_WORDS[plain]?.find((word) => words.includes(word)) : undefined;
}
