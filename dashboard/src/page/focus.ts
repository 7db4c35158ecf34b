import { type RefObject, useEffect } from "react";

/** Takes a reader to the content of the view: to its beginning, where what they were at is gone. */
export function focusMain(): void {
  document.getElementById("main")?.focus();
}

/**
 * Focuses a part while it is there, then gives the focus back to the element that had it.
 * A part that comes late takes nothing from a reader who has gone to the navigation meanwhile.
 */
export function useFocusWithin(part: RefObject<HTMLElement | null>, isFocused: boolean): void {
  useEffect(() => {
    const { current } = part;
    if (!isFocused || current === null) return undefined;
    const before = document.activeElement;
    const isElsewhere = before !== document.body && before?.closest("main") === null;
    if (isElsewhere) return undefined;
    current.focus({ preventScroll: true });
    return () => {
      const isWithin = document.activeElement === document.body || current.contains(document.activeElement);
      if (isWithin && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [part, isFocused]);
}
