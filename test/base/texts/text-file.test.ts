import { expect, test } from "vitest";
import { utf8Text } from "../../../src/base/texts/text-file.js";

test.each([
  ["plain", Buffer.from("name: w\n"), "name: w\n"],
  ["with a byte order mark", Buffer.from("\ufeffname: w"), "name: w"],
  ["with line ends, marks and emoji", Buffer.from("a\r\nb\u200f👩‍💻"), "a\r\nb\u200f👩‍💻"],
  ["empty", Buffer.from(""), ""],
])("a file %s is read as it is", (_, bytes, text) => {
  expect(utf8Text(bytes, "w.yaml")).toBe(text);
});

test.each([
  ["Latin-1", Buffer.from("name: w\nprompt: caf\u00e9\nx: 1\n", "latin1"), "w.yaml, line 2: byte 0xe9 is not UTF-8"],
  ["cut within a character", Buffer.from("a\nb\n💥").subarray(0, 6), "w.yaml, line 3"],
  ["an overlong form", Buffer.from([0x61, 0x0a, 0xc0, 0xaf]), "w.yaml, line 2: byte 0xc0"],
  ["half a pair as bytes", Buffer.from([0x61, 0xed, 0xa0, 0x80]), "w.yaml, line 1: byte 0xed"],
  ["UTF-16 with its mark", Buffer.from("\ufeffname: w", "utf16le"), "w.yaml is UTF-16: save it as UTF-8"],
  ["UTF-16 without it", Buffer.from("name: w", "utf16le"), "w.yaml is UTF-16"],
])("a file in %s is refused with its line", (_, bytes, message) => {
  expect(() => utf8Text(bytes, "w.yaml")).toThrow(message);
});
