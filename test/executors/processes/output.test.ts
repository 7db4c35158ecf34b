import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OutputFile, tailText } from "../../../src/executors/processes/output.js";

describe("OutputFile", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "baton-output-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  test("keeps the start in a private file and the end in memory, and counts the rest", async () => {
    const path = join(directory, "a", "b", "out.log");
    const output = await OutputFile.create(path, { outputBytesMax: 1_000, tailBytes: 10 });
    const chunks = Array.from({ length: 300 }, (_, i) => Buffer.from(`line ${i}\n`));
    await output.copy(Readable.from(chunks));
    const whole = Buffer.concat(chunks);
    expect(output.facts(true)).toEqual({ tail: "\nline 299\n", outputBytes: whole.length, truncated: true });
    await output.close();
    expect(await readFile(path)).toEqual(whole.subarray(0, 1_000));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "a", "b"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, "a"))).mode & 0o777).toBe(0o700);
  });

  test("is whole at exactly its limit", async () => {
    const path = join(directory, "exact.log");
    const output = await OutputFile.create(path, { outputBytesMax: 6, tailBytes: 100 });
    await output.copy(Readable.from([Buffer.from("abc"), Buffer.from("def")]));
    expect(output.facts(true)).toEqual({ tail: "abcdef", outputBytes: 6, truncated: false });
    await output.close();
  });

  test("never writes over a file that is there", async () => {
    const limits = { outputBytesMax: 1, tailBytes: 1 };
    const path = join(directory, "twice.log");
    await (await OutputFile.create(path, limits)).close();
    await expect(OutputFile.create(path, limits)).rejects.toMatchObject({ code: "EEXIST" });
  });

  test.skipIf(process.platform !== "linux")("reads on when the disk is full, and says so", async () => {
    const output = await OutputFile.create(join(directory, "full.log"), { outputBytesMax: 1_000, tailBytes: 100 });
    await output.close();
    // A closed file fails every write as a full disk does.
    await output.copy(Readable.from([Buffer.from("one\n"), Buffer.from("two\n")]));
    expect(output.facts(true)).toMatchObject({
      tail: "one\ntwo\n",
      outputBytes: 8,
      truncated: true,
      outputError: expect.stringContaining("closed"),
    });
  });
});

describe("tailText", () => {
  test.each([
    ["plain\ttext\n", "plain\ttext\n"],
    ["\u001b[31mred\u001b[0m \u001b]0;title\u0007x \u001b[2K", "red x "],
    ["\u001b]8;;http://x\u0007link\u001b]8;;\u0007", "link"],
    ["10%\r20%\r\n30%", "10%\n20%\n30%"],
    ["a\0b\u0008c\u007fd\u0085e\u000bf", "abcdef"],
    ["abc\u202edef\u2066", "abcdef"],
  ])("%j becomes %j", (from, to) => {
    expect(tailText(Buffer.from(from), 1_000)).toBe(to);
  });

  test("cuts between characters", () => {
    expect(tailText(Buffer.from("aé€😀"), 10)).toBe("aé€😀");
    expect(tailText(Buffer.from("aé€😀"), 8)).toBe("€😀");
    expect(tailText(Buffer.from("aé€😀"), 6)).toBe("😀");
    expect(tailText(Buffer.from("aé€😀"), 3)).toBe("");
    expect(tailText(Buffer.from("aé"), 0)).toBe("");
    expect(tailText(Buffer.from("é€").subarray(1), 100)).toBe("€");
  });

  test("is bounded, valid and free of controls whatever a command writes", () => {
    const bytes = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(27, 91, 93, 155, 0xe2, 0x80, 0xae)),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 64 }), (raw, bytesMax) => {
        const text = tailText(Buffer.from(raw), bytesMax);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytesMax);
        expect(Buffer.from(text).toString()).toBe(text);
        expect(text).not.toMatch(/[^\P{Cc}\n\t]/u);
      }),
      { numRuns: 2_000 },
    );
  });
});
