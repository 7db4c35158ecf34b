/** BATON_LONG_TESTS=1 gives long searches their full length, as a step of .ci/run does; `npm test` takes a short form of each. */
export const isLong = process.env["BATON_LONG_TESTS"] === "1";

/** Returns how many cases a search tries: the variable of that name where it is set, else the count of the form that runs. */
export function countOf(variable: string, { short, long }: { readonly short: number; readonly long: number }): number {
  return Number(process.env[variable] ?? (isLong ? long : short));
}
