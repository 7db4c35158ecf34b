import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type InputLine, LineReader } from "../../../src/mcp/transport/lines.js";

function read(input: Buffer, cuts: readonly number[], bytesMax: number): InputLine[] {
  const reader = new LineReader(bytesMax);
  const edges = [0, ...[...cuts].map((cut) => cut % (input.length + 1)).sort((a, b) => a - b), input.length];
  return edges.slice(1).flatMap((end, index) => [...reader.push(input.subarray(edges[index], end))]);
}

describe("lines of input", () => {
  test("are the same however the bytes arrive", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.array(fc.nat()), (texts, cuts) => {
        const lines = texts.map((text) => text.replaceAll(/[\n\r]/g, ""));
        const input = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        expect(read(input, cuts, 1e6)).toEqual(lines.map((text) => ({ kind: "line", text })));
      }),
    );
  });

  test("too long to be kept give up their id and method, wherever those stand and whatever else does", () => {
    const messages = fc.record({
      id: fc.oneof(fc.integer(), fc.string({ maxLength: 20 })),
      method: fc.constantFrom("tools/call", "ping"),
      params: fc.jsonValue(),
    });
    fc.assert(
      fc.property(messages, fc.boolean(), fc.array(fc.nat()), ({ id, method, params }, first, cuts) => {
        const message = first ? { id, method, params, jsonrpc: "2.0" } : { params, method, jsonrpc: "2.0", id };
        const text = JSON.stringify(message, null, first ? 0 : 1).replaceAll("\n", " ");
        const input = Buffer.from(`${text}\nnext\n`);
        expect(read(input, cuts, 8)).toEqual([
          { kind: "oversized", id, method, bytes: Buffer.byteLength(text) },
          { kind: "line", text: "next" },
        ]);
      }),
    );
  });
});
