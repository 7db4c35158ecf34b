import { useSyncExternalStore } from "react";

const paper = window.matchMedia("print");

/** Whether the page is being printed. */
export function usePrinting(): boolean {
  return useSyncExternalStore(
    (listener) => {
      paper.addEventListener("change", listener);
      return () => paper.removeEventListener("change", listener);
    },
    () => paper.matches,
  );
}
