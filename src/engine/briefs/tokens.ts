// Pieces that an encoding such as o200k keeps apart: words with the blank before them, digits by threes, signs, and the rest.
const PIECES = / ?[A-Z]?[a-z]+| ?[A-Z]+|\d{1,3}|[^\sA-Za-z\d\p{L}]{1,2}|\p{L}|\s+/gu;

/** Letters of a word that are one token. */
const WORD_LETTERS = 7;

/** An estimate of the tokens of a text, without a vocabulary: at most a tenth below, and mostly above, what an encoding counts. */
export function estimatedTokens(text: string): number {
  let tokens = 0;
  for (const [piece] of text.matchAll(PIECES)) tokens += Math.ceil(piece.trimStart().length / WORD_LETTERS) || 1;
  return tokens;
}
