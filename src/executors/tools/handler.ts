import type { Brief } from "../../engine/claims/brief.js";
import type { Engine } from "../../engine/engine.js";
import { toolAllowed } from "../../engine/policy/tool-policy.js";
import type { RunningAttempt } from "../loop/attempt.js";
import type { StepHandler } from "../loop/executor.js";
import { McpPool } from "../mcp/pool.js";
import type { McpServer } from "../../base/executor-policy.js";
import { ToolAttempt } from "./attempt.js";

export interface ToolParts {
  readonly engine: Engine;
  readonly servers: readonly McpServer[];
  readonly version: string;
  /** Of this process, unlike that of any other on this engine. */
  readonly mark: string;
  /** Takes secrets of well-known forms out of a text. */
  readonly redact: (text: string) => string;
}

/** Tool steps: calls of the tools of those MCP servers that the person who started this process has configured. */
export class ToolHandler implements StepHandler {
  readonly kind = "tool";
  readonly #parts: ToolParts;
  readonly #pool: McpPool;

  constructor(parts: ToolParts) {
    this.#parts = parts;
    const times = () => {
      const { mcp_start_timeout_ms: startTimeoutMs, mcp_idle_ms: idleMs } = parts.engine.settings();
      return { startTimeoutMs, idleMs };
    };
    const { servers, version, mark, redact } = parts;
    this.#pool = new McpPool({ servers, version, mark, redact, times });
  }

  get concurrency(): number {
    return this.#parts.engine.settings().max_concurrent_tool_calls;
  }

  carriesOut(line: string): boolean {
    return toolAllowed(this.#parts.servers, line);
  }

  /** A tool needs no file of the project. */
  async isPossibleAt(): Promise<boolean> {
    return true;
  }

  attempt(brief: Brief): RunningAttempt {
    return new ToolAttempt(brief, {
      pool: this.#pool,
      resultBytesMax: this.#parts.engine.settings().payload_bytes_max,
    });
  }

  async tidy(): Promise<void> {}

  close(graceMs: number): Promise<void> {
    return this.#pool.close(graceMs);
  }
}
