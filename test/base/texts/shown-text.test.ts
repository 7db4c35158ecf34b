import { describe, expect, test } from "vitest";
import { shownJson, shownLine, shownText } from "../../../src/base/texts/shown-text.js";

const WALES = "\u{1F3F4}\u{E0067}\u{E0062}\u{E0077}\u{E006C}\u{E0073}\u{E007F}";

describe("shown text", () => {
  test.each([
    ["\u001b[2Jgone", "\\u001b[2Jgone"],
    ["\u009b31m", "\\u009b31m"],
    ["a\r\nb\rc", "a\\r\nb\\rc"],
    ["\u202egpj.exe", "\\u202egpj.exe"],
    ["\u2066x\u2069\u200f\u061c", "\\u2066x\\u2069\\u200f\\u061c"],
    ["a\u200bb\ufeff\u00ad\u2028", "a\\u200bb\\ufeff\\u00ad\\u2028"],
    ["ok\u{E0001}\u{E0068}\u{E0069}", "ok\\udb40\\udc01\\udb40\\udc68\\udb40\\udc69"],
    ["\u{E0100}", "\\udb40\\udd00"],
    ["\ud800", "\\ud800"],
    ["\ue000\ufffe\ufdd0", "\\ue000\\ufffe\\ufdd0"],
    ["\u0007\b\f\u007f\u0085", "\\u0007\\b\\f\\u007f\\u0085"],
  ])("%j is shown as %s", (text, shown) => {
    expect(shownText(text)).toBe(shown);
  });

  test.each(["tab\tand\nnewline", "שלום عليكم", "👩‍💻 👍🏽 🇩🇪 ❤️", WALES, `${WALES}!`, "क्‍ष", "می‌خواهم", "naïve é"])(
    "%j is shown as it is",
    (text) => {
      expect(shownText(text)).toBe(text);
    },
  );

  test("tags behind a flag that spell more than a region are marked", () => {
    const hidden = `\u{1F3F4}${"\u{E0061}".repeat(20)}\u{E007F}`;
    expect(shownText(hidden)).not.toMatch(/[\u{E0000}-\u{E007F}]/u);
  });

  test("a line has no line ends", () => {
    expect(shownLine(" a\r\n\tb\u001b ")).toBe("a b\\u001b");
  });

  test("JSON stays the same data, and marks nothing twice", () => {
    const data = { "k\u202ey": "\u001b\r\u0085\u{E0041}\u200f\\u001b", n: 1 };
    const text = shownJson(data, 2);
    expect(JSON.parse(text)).toEqual(data);
    expect(shownText(text)).toBe(text);
    expect(text).not.toMatch(/[\u007f-\u009f\u200f\u202e]/u);
  });
});
