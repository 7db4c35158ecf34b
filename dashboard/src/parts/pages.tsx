import type { ReactNode } from "react";

interface PagesProps {
  /** Cursors of the pages gone through, the present one last. */
  readonly cursors: readonly string[];
  /** Cursor of the page that follows; undefined on the last. */
  readonly next: string | undefined;
  readonly onTurn: (cursors: readonly string[]) => void;
  /** Back and on. Default: those of a list whose newest entries come first. */
  readonly words?: readonly [back: string, on: string];
}

const NEWEST_FIRST = ["Newer", "Older"] as const;

/** Buttons that turn the pages of a list. */
export function Pages({ cursors, next, onTurn, words: [back, on] = NEWEST_FIRST }: PagesProps): ReactNode {
  return (
    <p className="pages">
      {cursors.length > 0 && (
        <button type="button" onClick={() => onTurn(cursors.slice(0, -1))}>
          {back}
        </button>
      )}
      {next !== undefined && (
        <button type="button" onClick={() => onTurn([...cursors, next])}>
          {on}
        </button>
      )}
    </p>
  );
}
