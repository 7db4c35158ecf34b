import { describe, expect, test } from "vitest";
import { migratedFile } from "../../support/databases/databases.js";
import { scoreOfStory, type Score, TOKENS, total } from "../../support/briefs/answers.js";
import { HALVES, storiesOf } from "../../support/briefs/stories.js";

const SHARE_MIN = 0.95;

describe.each(HALVES)("briefs of ten recorded runs, %s", (half) => {
  test(`answer at least ${SHARE_MIN * 100} % of the questions`, { timeout: 240_000 }, async () => {
    const scores: Score[] = [];
    for (const story of storiesOf(half)) scores.push(await scoreOfStory(story, migratedFile()));
    const { questions, answered, answeredByHistory, missed, tokensMax, estimates } = total(scores);
    expect(scores).toHaveLength(10);
    // A failure names those that are not answered.
    expect(answered / questions < SHARE_MIN ? missed : []).toEqual([]);
    // The peer: as many tokens of the end of what is recorded.
    expect(answeredByHistory / questions).toBeLessThan(0.5);
    expect(tokensMax).toBeLessThanOrEqual(TOKENS);
    // The estimate is never below what the encoding o200k_base counts, and at most a fifth above.
    expect(Math.min(...estimates)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...estimates)).toBeLessThanOrEqual(1.2);
  });
});
