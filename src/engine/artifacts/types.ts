/** The type of an artifact by the end of its name, where its author names none. */
const BY_ENDING: Readonly<Record<string, string>> = {
  ...endings(
    "code",
    "ts tsx mts cts js jsx mjs cjs py go rs java c h cpp hpp cs rb php swift kt scala sh sql css html vue",
  ),
  ...endings("json", "json jsonc"),
  ...endings("yaml", "yaml yml"),
  ...endings("markdown", "md markdown"),
  ...endings("coverage", "info lcov"),
  ...endings("test_report", "tap"),
  ...endings("diff", "diff patch"),
  ...endings("text", "txt log csv tsv toml ini xml"),
  ...endings("image", "png jpg jpeg gif webp svg"),
};

function endings(type: string, all: string): Record<string, string> {
  return Object.fromEntries(all.split(" ").map((ending) => [ending, type]));
}

/** Reports that are XML are known by the names that their tools give them. */
const BY_NAME: readonly (readonly [type: string, name: RegExp])[] = [
  ["test_report", /(?:^|[/._-])(?:junit|TEST)(?:[._-][^/]*)?\.xml$/],
  ["coverage", /(?:^|[/._-])(?:cobertura|coverage)(?:[._-][^/]*)?\.xml$/],
];

/** Types that names have by themselves. */
export const TYPES_BY_NAME: readonly string[] = [...new Set(Object.values(BY_ENDING))];

export function typeOf(name: string, isText: boolean): string {
  const named = BY_NAME.find(([, form]) => form.test(name));
  if (named !== undefined && isText) return named[0];
  const ending = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  return BY_ENDING[ending] ?? (isText ? "text" : "binary");
}
