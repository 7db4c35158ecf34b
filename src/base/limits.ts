/** Limits that several areas share, each in one place. */

/** Characters of a task's title. */
export const TITLE_CHARS_MAX = 500;

/** Dependencies of all steps of a definition together: they are written in one transaction, while no one else writes. */
export const DEPENDENCIES_MAX = 100_000;

/** Rows that background work changes in one pass over what is due. */
export const ROWS_AT_ONCE_MAX = 100;

/** Tasks that an agent may register to work on at once. */
export const CONCURRENT_TASKS_MAX = 1_000;

/** Names that a message about an unknown name is chosen from. */
export const HINTS_FROM_MAX = 1_000;

/** Names that a message lists. */
export const NAMES_SHOWN_MAX = 20;

/** Tasks that an answer lists as ready. */
export const READY_SHOWN_MAX = 20;
