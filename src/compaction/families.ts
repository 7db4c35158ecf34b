/** A family of models and how its tokens compare with those of o200k_base. */
export interface ModelFamily {
  readonly name: string;
  /** Tokens of the family for each token of o200k_base. */
  readonly factor: number;
  /** Where the factor is from. */
  readonly source: string;
}

interface Rule extends ModelFamily {
  readonly models: RegExp;
}

const OWN = "its own encoding is o200k_base (tiktoken)";

/** The first that matches. Factors of others are rounded up: a window that is counted too full is compacted early, one too empty overflows. */
const RULES: readonly Rule[] = [
  { name: "openai", models: /^(?:gpt-(?:4o|4\.|[5-9])|chatgpt|o[1-9]\b|codex)/, factor: 1, source: OWN },
  {
    name: "openai-earlier",
    models: /^(?:gpt-|text-|davinci)/,
    factor: 1.1,
    source:
      "cl100k_base: 0.995 to 1.004 measured on this repository's sources and texts, more in other scripts than Latin",
  },
  {
    name: "claude",
    models: /^claude-(?:(?:opus-4-[7-9]|(?:opus|sonnet|haiku)-[5-9])|(?:fable|mythos))/,
    factor: 1.6,
    source:
      "Anthropic, Token counting: 30 % more than the models before; those as claude-earlier, 1.25 times 1.3 rounded",
  },
  {
    name: "claude-earlier",
    models: /^claude/,
    factor: 1.25,
    source:
      "published comparison of Claude 3.5 Sonnet with GPT-4o: 16 % more in English, 21 % in formulas, 30 % in code",
  },
  {
    name: "gemini",
    models: /^(?:gemini|gemma)/,
    factor: 1.1,
    source: "Google, Understand and count tokens: about 4 characters each, as o200k_base has in English",
  },
];

const UNKNOWN: ModelFamily = {
  name: "unknown",
  factor: 1.2,
  source: "no figure is known for this model: an allowance",
};
const NONE: ModelFamily = { name: "o200k_base", factor: 1, source: "no model was named" };

/** The family of a model, by its name as its maker writes it; a provider's prefix such as `anthropic/` counts for nothing. */
export function familyOf(model: string | undefined | null): ModelFamily {
  if (model === undefined || model === null) return NONE;
  const bare = model
    .toLowerCase()
    .replace(/^.*[/:]/, "")
    .replace(/^(?:(?:us|eu|apac)\.)?(?:anthropic\.)?/, "");
  const name = bare.startsWith("claude") ? bare.replaceAll(".", "-") : bare;
  const { name: family, factor, source } = RULES.find(({ models }) => models.test(name)) ?? UNKNOWN;
  return { name: family, factor, source };
}

/** The tokens of a family for so many of o200k_base. */
export function tokensOf(tokens: number, { factor }: Pick<ModelFamily, "factor">): number {
  return Math.ceil(tokens * factor);
}

/** The most tokens of o200k_base that are no more than so many of a family. */
export function tokensWithin(max: number, { factor }: Pick<ModelFamily, "factor">): number {
  return Math.floor(max / factor);
}
