/** Whether a wildcard may stand for `text` from `from` to `to`. Once it may not, it may not for any longer stretch from there. */
export type Admits = (text: string, from: number, to: number) => boolean;

/**
 * Whether a pattern fits a whole text. `*` stands for any stretch that `admits`, everything else for itself.
 *
 * Takes each literal part at its first place after the one before. No later place can help: it would only put more
 * text, the skipped part included, under the wildcard before it. Hence no backtracking, whatever the pattern.
 */
export function matches(pattern: string, text: string, admits: Admits = () => true): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || first.length > end) return false;
  let at = first.length;
  for (const literal of rest) {
    const found = text.indexOf(literal, at);
    if (found < 0 || found + literal.length > end || !admits(text, at, found)) return false;
    at = found + literal.length;
  }
  return admits(text, at, end);
}
