import { createRequire } from "node:module";

// The one place where the version stands is package.json; it lies above src/ as it does above dist/.
const manifest = createRequire(import.meta.url)("../../package.json") as { version: string };

export const VERSION = manifest.version;
