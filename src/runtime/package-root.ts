import { fileURLToPath } from "node:url";

/** The directory of the package: two above this file in src/, in dist/ and in the bundles of dist/lib/ alike. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../", import.meta.url));
