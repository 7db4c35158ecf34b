import { type ExtractPart, shortened } from "./extract.js";

const HEADING = /^#{1,6}\s+\S/;
const ITEM = /^\s*(?:[-*+•]|\d+[.)]|\[[ xX]\]|(?:REQ|FR|NFR|US|AC)[-_ ]?\d+[:.)]?)\s+/;
const MUST =
  /\b(?:must|shall|required?|requires|never|always|has to|have to|needs? to|only if|not allowed|forbidden)\b/i;
const SHOULD = /\b(?:should|may|can|could|will|ought|prefer(?:red|ably)?|optional(?:ly)?)\b/i;
const STORY = /^\s*(?:as an? .+ I want|given|when|then)\b/i;
const FIGURE = /(?:\d+(?:\.\d+)?\s*(?:%|ms|s|seconds|minutes|hours|days|kb|mb|gb|users|requests)\b|[<>≤≥]\s*\d)/i;
const LINE_CHARS_MAX = 400;

/** Requirements as a list: headings, items, and sentences that oblige; the rest is left out. */
export function requirementParts(content: string): ExtractPart[] {
  const parts: ExtractPart[] = [];
  for (const line of content.split("\n")) {
    if (line.trim() === "") continue;
    if (HEADING.test(line)) parts.push({ text: shortened(line, LINE_CHARS_MAX), weight: 5 });
    else if (ITEM.test(line)) parts.push(item(line.replace(ITEM, ""), 1));
    else for (const sentence of sentencesOf(line)) parts.push(item(sentence, 0));
  }
  return parts.filter(({ weight }) => weight > 0);
}

/** The beginning of a sentence says what it is; a pattern takes long over one without end. */
const SEARCHED_CHARS_MAX = 2_000;

function item(text: string, least: number): ExtractPart {
  const start = text.slice(0, SEARCHED_CHARS_MAX);
  const isCore = MUST.test(start);
  const weight = (isCore ? 4 : STORY.test(start) ? 3 : SHOULD.test(start) ? 2 : least) + (FIGURE.test(start) ? 1 : 0);
  return { text: `- ${shortened(text, LINE_CHARS_MAX)}`, weight, isCore };
}

/** The sentences of a line. Ends of sentences within code and names stay. */
export function sentencesOf(line: string): string[] {
  return line
    .split(/(?<=[.!?;])\s+(?=["'`(]?[\p{Lu}\d])/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "");
}
