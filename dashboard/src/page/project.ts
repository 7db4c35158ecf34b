import { useSyncExternalStore } from "react";

const KEY = "baton.project";
const listeners = new Set<() => void>();

/** Chooses the project whose things are shown; "" for all of them. */
export function chooseProject(project: string): void {
  localStorage.setItem(KEY, project);
  for (const listener of listeners) listener();
}

/** The chosen project, as the part of an input that names it. */
export function useProject(): { readonly project?: string } {
  const project = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => localStorage.getItem(KEY) ?? "",
  );
  return project === "" ? {} : { project };
}
