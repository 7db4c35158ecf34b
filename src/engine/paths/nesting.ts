import type { LockKind } from "../../base/statuses.js";
import { globSegment, isWild, literalSegment, type Segment } from "./globs.js";
import { foldCase } from "./paths.js";

/** A path, directory or glob of a project as it is stored. */
export interface PlacedPath {
  readonly path: string;
  readonly kind: LockKind;
}

/** A path of a project as one of a project around it, in which the first has this directory. */
export function pathFromAround(directory: string, { path, kind }: PlacedPath): PlacedPath {
  return { path: path === "./" ? `${directory}/` : `${directory}/${path}`, kind };
}

/**
 * The part of a path that lies in a directory, as paths of that directory: none where they do not meet, and several for a glob that
 * leads into it in more than one way.
 */
export function pathsInside(directory: string, placed: PlacedPath, caseInsensitive: boolean): PlacedPath[] {
  const fold = caseInsensitive ? foldCase : (text: string) => text;
  const texts = segmentsOf(placed);
  const segments = texts.map((text) =>
    placed.kind === "glob" || text === "**" ? globSegment(fold(text)) : literalSegment(fold(text)),
  );
  let places = new Set([0]);
  for (const name of fold(directory).split("/")) {
    // A path below which another one lies is a directory, whatever it looked like.
    if (placed.kind === "file" && places.has(segments.length)) return [ALL];
    places = after(segments, places, name);
    if (places.size === 0) return [];
  }
  return [...places].flatMap((place) => pathOf(texts.slice(place), placed.kind));
}

const ALL: PlacedPath = { path: "./", kind: "directory" };

function segmentsOf({ path, kind }: PlacedPath): string[] {
  if (kind !== "directory") return path.split("/");
  return path === "./" ? ["**"] : [...path.slice(0, -1).split("/"), "**"];
}

/** The places in a pattern at which it can stand after one more name. */
function after(segments: readonly Segment[], places: ReadonlySet<number>, name: string): Set<number> {
  const next = new Set<number>();
  for (const from of places) {
    for (let place = from; place < segments.length; place++) {
      const segment = segments[place];
      if (segment === undefined) break;
      if (segment.any) {
        next.add(place);
        continue;
      }
      if (segment.matches ? segment.matches(name) : segment.text === name) next.add(place + 1);
      break;
    }
  }
  return next;
}

function pathOf(rest: readonly string[], kind: LockKind): PlacedPath[] {
  const path = rest.join("/");
  if (kind === "directory") return [path === "**" ? ALL : { path: `${path.slice(0, -"/**".length)}/`, kind }];
  if (path === "") return kind === "file" ? [ALL] : [];
  return [{ path, kind: rest.some(isWild) && kind === "glob" ? "glob" : "file" }];
}
