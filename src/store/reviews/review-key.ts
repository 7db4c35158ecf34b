const PREFIX = "review(";

/** The key of the task that reviews another: no step can be called so. */
export function reviewKey(key: string, round: number): string {
  return `${PREFIX}${key})${round === 1 ? "" : `#${round}`}`;
}

/** Whether a task is that of a reviewer. */
export function isReview({ key }: { readonly key: string }): boolean {
  return key.startsWith(PREFIX);
}
