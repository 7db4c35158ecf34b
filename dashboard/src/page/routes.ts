import { useMemo, useSyncExternalStore } from "react";

/** A place of the page: the words of the address behind `#/`, and what stands behind its `?`. */
export interface Route {
  readonly words: readonly string[];
  readonly query: URLSearchParams;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

function routeFrom(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  return {
    words: path
      .split("/")
      .filter((word) => word !== "")
      .map((word) => decodeURIComponent(word)),
    query: new URLSearchParams(query),
  };
}

/** The place that the address names now. */
export function shownRoute(): Route {
  return routeFrom(window.location.hash);
}

/** The place that is shown. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  return useMemo(() => routeFrom(hash), [hash]);
}

/** The address of a place, for a link. */
export function hrefOf(words: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const search = given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
  return `#/${words.map(encodeURIComponent).join("/")}${search}`;
}

/** Goes to a place. */
export function goTo(href: string): void {
  window.location.hash = href;
}
