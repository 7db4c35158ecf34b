import { regularText } from "../../runtime/files/regular-text.js";
import { unescaped } from "../shell/escapes.js";

const NAMES =
  /^(?:(?:---|\+\+\+) (?!\/dev\/null)([^\t\n\r]+)|(?:rename|copy) (?:from|to) ([^\n\r]+)|diff --git a\/([^\n\r]{1,1000}?) b\/\3\r?$)/gm;
const NAMES_MAX = 10_000;

/** The beginning of a file that holds a patch; empty where it cannot be read. */
export function patchIn(file: string): string {
  return regularText(file) ?? "";
}

/** The files that a patch in git's form changes, without the first `strip` segments of their names. */
export function changesWithin(patch: string, strip: number): readonly string[] {
  const names = [...patch.matchAll(NAMES)].slice(0, NAMES_MAX).map(([, file, renamed, both]) => {
    if (file !== undefined) return unquoted(file).split("/").slice(strip).join("/");
    return unquoted(renamed ?? both ?? "");
  });
  return [...new Set(names)].filter((file) => file !== "" && !file.split("/").includes(".."));
}

/** A name as git writes it: in quotes where it holds more than plain letters. */
function unquoted(name: string): string {
  return /^".*"$/.test(name) ? unescaped(name.slice(1, -1)) : name;
}
