import assert from "node:assert/strict";
import { test } from "node:test";
import { frequencies, words } from "../src/${{ inputs.module }}.js";

test("words are letters and digits, with what joins them", () => {
  assert.deepEqual(words("It's a well-known fact: 2 + 2 = 4."), ["It's", "a", "well-known", "fact", "2", "2", "4"]);
  assert.deepEqual(words("  "), []);
});

test("frequencies ignore case and put the most frequent first", () => {
  assert.deepEqual(frequencies("b a B c a b"), [
    { word: "b", count: 3 },
    { word: "a", count: 2 },
    { word: "c", count: 1 },
  ]);
});
