import { type ExtractPart, shortened } from "./extract.js";
import { sentencesOf } from "./requirements.js";

const DECISION =
  /\b(?:decided?|decision|agreed?|we(?:'ll| will| should)|I(?:'ll| will)|let'?s|going with|go with|chose|chosen|choose|settled|instead of|rather than|from now on|approved?|rejected?|conclusion|therefore|must(?: not)?|do not|don't|never|always|use[sd]?)\b/i;
const OUTCOME =
  /\b(?:done|finished|complete[sd]?|fixed|works?|worked|pass(?:es|ed)?|fail(?:s|ed|ure)?|errors?|broken?|broke|blocked|merged|committed|released|created|deleted|removed|changed|renamed|added|moved|results?|found|root cause|because|turn(?:s|ed) out|caused?)\b/i;
const OPEN =
  /\?\s*$|\b(?:todo|next(?: step)?s?|open|remain(?:s|ing)|pending|waiting|follow[- ]?up|still|not yet|unclear)\b/i;
const NAMED = /`[^`]+`|\b[\w-]+\/[\w./-]+|\b[a-z]+[A-Z]\w+|\b\w+_\w+\b|#\d+|\b\d{2,}\b/;
const FENCE = /^\s*(?:```|~~~)/;
const LINE_CHARS_MAX = 400;

/** Decisions, outcomes and open questions of a conversation, sentence by sentence. Code within it is counted, not shown. */
export function conversationParts(content: string): ExtractPart[] {
  const parts: ExtractPart[] = [];
  let code: number | undefined;
  let isFirst = true;
  for (const line of content.split("\n")) {
    if (FENCE.test(line)) {
      if (code !== undefined) parts.push({ text: `- [code, ${code} lines]`, weight: 1 });
      code = code === undefined ? 0 : undefined;
    } else if (code !== undefined) code++;
    else
      for (const sentence of sentencesOf(line.replace(/^\s*(?:[-*+•>]|\d+[.)]|#{1,6})\s+/, ""))) {
        const weight = weightOf(sentence) + (isFirst ? 1 : 0);
        isFirst = false;
        if (weight > 0)
          parts.push({ text: `- ${shortened(sentence, LINE_CHARS_MAX)}`, weight, isCore: decides(sentence) });
      }
  }
  return parts;
}

/** The beginning of a sentence says what it is; a pattern takes long over one without end. */
const SEARCHED_CHARS_MAX = 2_000;

function decides(sentence: string): boolean {
  return DECISION.test(sentence.slice(0, SEARCHED_CHARS_MAX));
}

function weightOf(whole: string): number {
  const sentence = whole.slice(0, SEARCHED_CHARS_MAX);
  const cues = (decides(sentence) ? 3 : 0) + (OUTCOME.test(sentence) ? 3 : 0) + (OPEN.test(sentence) ? 2 : 0);
  return cues > 0 && NAMED.test(sentence) ? cues + 1 : cues;
}
