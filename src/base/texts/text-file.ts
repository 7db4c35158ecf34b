import { BatonError } from "../errors.js";

const LINE_FEED = 0x0a;
const NEARBY = 16;

/**
 * The text of a file that must be UTF-8, without a byte order mark. Throws `invalid_input` for another encoding, with the line
 * of the first byte that does not fit: guessed characters would be stored for good.
 */
export function utf8Text(bytes: Uint8Array, name: string): string {
  const encoding = markedEncoding(bytes);
  if (encoding !== undefined)
    throw new BatonError("invalid_input", `${name} is ${encoding}: save it as UTF-8.`, { details: { file: name } });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const at = firstBadByte(bytes);
    const line = bytes.subarray(0, at).filter((byte) => byte === LINE_FEED).length + 1;
    const byte = (bytes[at] ?? 0).toString(16).padStart(2, "0");
    const message = `${name}, line ${line}: byte 0x${byte} is not UTF-8 (is the file Latin-1 or Windows-1252?). Save it as UTF-8.`;
    throw new BatonError("invalid_input", message, { details: { file: name, line } });
  }
}

/** UTF-16 and UTF-32 by their mark; UTF-16 without one by the zero bytes that ASCII leaves in it. */
function markedEncoding(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return "UTF-16";
  const start = bytes.subarray(0, NEARBY);
  const zeros = start.filter((byte) => byte === 0).length;
  return bytes.length >= 4 && zeros >= start.length / 4 ? "UTF-16 or binary" : undefined;
}

/** The place of the first byte of what is no character. */
function firstBadByte(bytes: Uint8Array): number {
  let [from, to] = [0, bytes.length];
  // The longest start that decodes, where a character may be cut off at its end.
  while (from < to) {
    const middle = Math.ceil((from + to) / 2);
    if (decodes(bytes.subarray(0, middle))) from = middle;
    else to = middle - 1;
  }
  while (from > 0 && !decodes(bytes.subarray(0, from), { stream: false })) from -= 1;
  return from;
}

function decodes(bytes: Uint8Array, { stream }: { readonly stream: boolean } = { stream: true }): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream });
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
