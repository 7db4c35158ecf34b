export interface Package {
  name: string;
  files: readonly string[];
}

/** Which files may import which package. The longest name that matches an import decides. */
// oxfmt-ignore
export const PACKAGES = [
  { name: "better-sqlite3", files: ["src/store/sqlite/**"] },
  { name: "pg", files: ["src/store/postgres/**"] },
  { name: "graphology", files: ["src/engine/graph/dag.ts"] },
  { name: "graphology-dag", files: ["src/engine/graph/dag.ts"] },
  { name: "graphology-types", files: ["src/engine/graph/dag.ts"] },
  { name: "@marcbachmann/cel-js", files: ["src/engine/expressions/{expressions,names}.ts"] },
  { name: "minisearch", files: ["src/engine/planning/similarity.ts"] },
  { name: "zod", files: ["src/base/**", "src/engine/**", "src/dispatch/**", "src/tools/**", "src/resources/**", "src/prompts/**", "src/config.ts", "src/config/**", "src/init/originals.ts", "src/app/guard/hook-answers.ts", "src/validation/criteria.ts"] },
  { name: "@secretlint", files: ["src/validation/content/secrets.ts"] },
  { name: "web-tree-sitter", files: ["src/validation/code/**", "src/compaction/code.ts"] },
  { name: "croner", files: ["src/engine/schedules/**"] },
  { name: "picomatch", files: ["src/engine/**"] },
  { name: "jsonc-parser", files: ["src/init/editors/json-text.ts", "src/validation/structure/json.ts"] },
  { name: "smol-toml", files: ["src/init/**"] },
  { name: "diff", files: ["src/cli/commands/init.ts", "src/runtime/git/own-diff.ts"] },
  { name: "yaml", files: ["src/engine/**", "src/imports/**", "src/cli/**", "src/config.ts", "src/validation/**"] },
  { name: "nodemailer", files: ["src/notifiers/email.ts"] },
  { name: "p-limit", files: ["src/executors/**"] },
  { name: "@pydantic/genai-prices", files: ["src/runtime/models/price-list.ts"] },
  { name: "pino", files: ["src/runtime/logger.ts"] },
  { name: "commander", files: ["src/cli/**", "src/main.ts"] },
  { name: "jose", files: ["src/http/access/issuer.ts"] },
  { name: "hono", files: ["src/http/**"] },
  { name: "@hono/node-server", files: ["src/http/**"] },
  { name: "@modelcontextprotocol/server", files: ["src/mcp/stateless/**"] },
  { name: "@modelcontextprotocol/sdk", files: ["src/mcp/**"] },
  { name: "@modelcontextprotocol/sdk/client", files: ["src/executors/mcp/{client,http}.ts"] },
  { name: "@modelcontextprotocol/sdk/shared", files: ["src/mcp/**", "src/executors/mcp/stdio.ts"] },
  { name: "@modelcontextprotocol/sdk/types.js", files: ["src/mcp/**", "src/executors/mcp/{client,pool,stdio}.ts", "src/executors/tools/attempt.ts"] },
] as const satisfies readonly Package[];
