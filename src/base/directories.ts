import path from "node:path";

/** Whether an absolute path is a directory or lies within it, by their names alone. */
export function liesWithin(directory: string, absolute: string): boolean {
  const relative = path.relative(directory, absolute);
  return relative === "" || !(relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative));
}
