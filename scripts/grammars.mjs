// Packs the grammars of tree-sitter into grammars/: the WebAssembly that its packages on npm bring, compressed to a fifteenth. They are
// kept in the repository, because these packages also bring sources and native builds of 100 MB that nothing here uses.
//
//   npm pack of each package in PACKAGES into DIRECTORY, unpacked as DIRECTORY/NAME, then
//   node scripts/grammars.mjs DIRECTORY
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const PACKAGES = {
  go: "tree-sitter-go@0.25.0",
  java: "tree-sitter-java@0.23.5",
  javascript: "tree-sitter-javascript@0.25.0",
  python: "tree-sitter-python@0.25.0",
  rust: "tree-sitter-rust@0.24.0",
  tsx: "tree-sitter-typescript@0.23.2",
  typescript: "tree-sitter-typescript@0.23.2",
};

const [directory] = process.argv.slice(2);
const target = path.resolve(import.meta.dirname, "..", "grammars");
const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
for (const [language, pinned] of Object.entries(PACKAGES)) {
  const [name] = pinned.split("@");
  const grammar = readFileSync(path.join(directory, name, `tree-sitter-${language}.wasm`));
  writeFileSync(path.join(target, `${language}.wasm.br`), brotliCompressSync(grammar, { params }));
}
