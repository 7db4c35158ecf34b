/**
 * As a chain of comparisons: for a list of more than two, SQLite makes a table anew in every statement that checks it, at
 * some 5 µs. What is there most often comes first.
 */
export function oneOf(column: string, values: readonly string[]): string {
  return values.map((value) => `${column} = '${value}'`).join(" OR ");
}
