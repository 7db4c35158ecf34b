import { type ComponentType, type ReactNode, useSyncExternalStore } from "react";
import type { Route } from "./routes.js";

export interface ViewProps {
  readonly route: Route;
}

type View = ComponentType<ViewProps>;

/** How each loads its file, once. */
const loads = new Map<View, () => void>();

/**
 * A view in a file of its own, shown as soon as that is there: React's own `lazy` keeps what it showed meanwhile for 300 ms.
 * A file that cannot be had leaves a sentence in its place, not an empty page.
 */
export function lazyView(read: () => Promise<View>): View {
  let state: { readonly view: View } | "unread" | "loading" | "failed" = "unread";
  const listeners = new Set<() => void>();
  const enter = (next: typeof state) => {
    state = next;
    for (const listener of listeners) listener();
  };
  const load = () => {
    if (state !== "unread") return;
    state = "loading";
    read().then(
      (view) => enter({ view }),
      () => enter("failed"),
    );
  };
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  function Lazy(props: ViewProps): ReactNode {
    const now = useSyncExternalStore(subscribe, () => state);
    load();
    if (now === "failed") return <Unloadable />;
    return typeof now === "string" ? <p className="loading">Loading …</p> : <now.view {...props} />;
  }
  loads.set(Lazy, load);
  return Lazy;
}

/** Loads the file of a view before it is shown. */
export function preload(view: View): void {
  loads.get(view)?.();
}

/** Loads all views, when the page has nothing else to do: they are shown without the server too. */
export function preloadAll(): void {
  const load = () => {
    for (const loadOne of loads.values()) loadOne();
  };
  // Not every browser says when it rests.
  if ("requestIdleCallback" in window) requestIdleCallback(load);
  else setTimeout(load, 1_000);
}

function Unloadable(): ReactNode {
  return (
    <p className="refusal" role="alert">
      This view could not be loaded: the server does not answer, or another version of it runs now.{" "}
      <button type="button" onClick={() => window.location.reload()}>
        Load the page again
      </button>
    </p>
  );
}
