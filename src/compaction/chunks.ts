import type { Encoding } from "./encoding.js";

/** A part of a text with whole lines, where they are no longer than a chunk. */
export interface Chunk {
  readonly number: number;
  /** Its first and last line, from 1. */
  readonly from: number;
  readonly to: number;
  readonly tokens: number;
  readonly text: string;
}

export interface ChunkTerms {
  /** Tokens of a chunk. */
  readonly max: number;
  /** Tokens of whole lines at the end of a chunk that the next one begins with. */
  readonly overlap: number;
  /** Lines at which something begins, from 0: a chunk ends before one of them rather than elsewhere. */
  readonly starts?: ReadonlySet<number> | undefined;
}

/** A line, or a piece of one that is longer than a chunk. */
interface Atom {
  readonly text: string;
  readonly line: number;
  readonly tokens: number;
  /** How well a chunk begins here. */
  readonly rank: number;
}

/** Cuts a text into chunks that overlap. Without what overlaps they are the whole text. */
export function chunksOfText(content: string, { max, overlap, starts }: ChunkTerms, encoding: Encoding): Chunk[] {
  const atoms = atomsOf(content, { max, starts, encoding });
  const chunks: Chunk[] = [];
  for (let next = 0; next < atoms.length;) {
    const from = overlapFrom(atoms, next, Math.min(overlap, max >> 1));
    let end = endOf(atoms, { from, next, max });
    let text = textOf(atoms, from, end);
    let tokens = encoding.count(text);
    let start = from;
    // The tokens of a text may be more than those of its lines, by a few at most.
    while (tokens > max && (end > next + 1 || start < next)) {
      if (start < next) start++;
      else end--;
      text = textOf(atoms, start, end);
      tokens = encoding.count(text);
    }
    const [first, last] = [atoms[start], atoms[end - 1]];
    chunks.push({ number: chunks.length + 1, from: (first?.line ?? 0) + 1, to: (last?.line ?? 0) + 1, tokens, text });
    next = end;
  }
  return chunks;
}

interface AtomTerms extends Pick<ChunkTerms, "max" | "starts"> {
  readonly encoding: Encoding;
}

function atomsOf(content: string, { max, starts, encoding }: AtomTerms): Atom[] {
  if (content === "") return [];
  const lines = content.split(/(?<=\n)/);
  let isBlank = true;
  return lines.flatMap((text, line) => {
    const rank = starts?.has(line) === true || /^#{1,6}\s/.test(text) ? 3 : isBlank && text.trim() !== "" ? 2 : 1;
    isBlank = text.trim() === "";
    const tokens = encoding.count(text);
    return tokens <= max ? [{ text, line, tokens, rank }] : piecesOf(text, { line, rank, max, encoding });
  });
}

function piecesOf(text: string, { line, rank, max, encoding }: AtomTerms & Pick<Atom, "line" | "rank">): Atom[] {
  const pieces: Atom[] = [];
  for (let rest = text; rest !== "";) {
    const { text: cut } = encoding.cut(rest, max);
    // A single word that is too long: so many bytes have no more tokens than bytes.
    const piece = cut === "" ? charsWithin(rest, max) : cut;
    pieces.push({ text: piece, line, tokens: encoding.count(piece), rank: pieces.length === 0 ? rank : 0 });
    rest = rest.slice(piece.length);
  }
  return pieces;
}

/** A beginning with at most so many bytes, of at least one character. */
function charsWithin(text: string, bytes: number): string {
  let [end, used] = [0, 0];
  for (const char of text) {
    used += Buffer.byteLength(char);
    if (end > 0 && used > bytes) break;
    end += char.length;
  }
  return text.slice(0, end);
}

function overlapFrom(atoms: readonly Atom[], next: number, overlap: number): number {
  let from = next;
  for (let left = overlap; from > 0; from--) {
    left -= atoms[from - 1]?.tokens ?? 0;
    if (left < 0) break;
  }
  return from;
}

/** The end of a chunk: where the best of the later beginnings is, of those in the second half of what has room. */
function endOf(atoms: readonly Atom[], { from, next, max }: { from: number; next: number; max: number }): number {
  let left = max;
  for (let at = from; at < next; at++) left -= atoms[at]?.tokens ?? 0;
  let end = next;
  for (; end < atoms.length; end++) {
    left -= atoms[end]?.tokens ?? 0;
    if (left < 0) break;
  }
  end = Math.max(end, next + 1);
  if (end >= atoms.length) return atoms.length;
  let best = end;
  for (let at = end; at > next + ((end - next) >> 1); at--)
    if ((atoms[at]?.rank ?? 0) > (atoms[best]?.rank ?? 0)) best = at;
  return best;
}

function textOf(atoms: readonly Atom[], from: number, end: number): string {
  let text = "";
  for (let at = from; at < end; at++) text += atoms[at]?.text ?? "";
  return text;
}
