/** Comments by their place, FILE:LINE, in the order in which they were made. */
export type Comments = ReadonlyMap<string, string>;

/** The comments with another text at a place; without one where it is empty. */
export function withComment(comments: Comments, place: string, text: string): Comments {
  const next = new Map(comments);
  if (text.trim() === "") next.delete(place);
  else next.set(place, text.trim());
  return next;
}
