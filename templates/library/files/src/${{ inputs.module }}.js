/** The words of a text, in order: letters and digits, with apostrophes and hyphens between them. */
export function words(text) {
  return text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu) ?? [];
}

/** How often each word occurs, whatever its case, the most frequent first and then by the alphabet. */
export function frequencies(text) {
  const counts = new Map();
  for (const word of words(text.toLowerCase())) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([word, count]) => ({ word, count }));
}
