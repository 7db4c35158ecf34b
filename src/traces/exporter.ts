import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "../runtime/logger.js";
import { systemRandom } from "../runtime/random.js";
import { exportRequest, type ExportScope, type EndedSpan } from "./encoding.js";
import type { ExportTarget } from "./environment.js";

export interface ExporterParts {
  readonly target: ExportTarget;
  readonly version: string;
  readonly logger: Logger;
}

/** Answers after which the OTLP specification has a batch sent again; every other refusal is final. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const ATTEMPTS_MAX = 5;
const FIRST_PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 30_000;
const ANSWER_BYTES_MAX = 4_096;

/**
 * Sends spans to a collector in batches, beside everything else: the queue is bounded and what does not fit is dropped and counted, one
 * batch is under way at a time, and nothing here throws, waits for a caller or keeps the process.
 */
export class SpanExporter {
  readonly #target: ExportTarget;
  readonly #scope: ExportScope;
  readonly #logger: Logger;
  /** From then on what waits is sent once and at once. */
  readonly #closing = new AbortController();
  readonly #stopping = new AbortController();
  #queue: EndedSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #dropped = 0;
  /** Said once until a batch has gone through again. */
  #hasComplained = false;

  constructor({ target, version, logger }: ExporterParts) {
    this.#target = target;
    this.#scope = { resource: target.resource, version };
    this.#logger = logger;
  }

  add(span: EndedSpan): void {
    if (this.#stopping.signal.aborted || this.#queue.length >= this.#target.queueMax) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(span);
    if (this.#sending !== undefined) return;
    if (this.#queue.length >= this.#target.batchMax) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), this.#target.delayMs).unref();
  }

  /** Sends what is there, for at most so long; what is left then is dropped. */
  async close(withinMs: number): Promise<void> {
    const over = pause(withinMs, undefined, { ref: false });
    this.#closing.abort();
    const sent = async () => {
      await this.#sending;
      this.#send();
      await this.#sending;
    };
    await Promise.race([sent(), over]);
    this.#stopping.abort();
    clearTimeout(this.#timer);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll()
      .catch((error: unknown) => this.#complain(error))
      .finally(() => {
        this.#sending = undefined;
        // Spans that came meanwhile wait for the next batch.
        if (this.#queue.length > 0 && !this.#stopping.signal.aborted)
          this.#timer ??= setTimeout(() => this.#send(), this.#target.delayMs).unref();
      });
  }

  async #sendAll(): Promise<void> {
    const { batchMax } = this.#target;
    do {
      const batch = this.#queue.slice(0, batchMax);
      if (batch.length === 0) return;
      this.#queue = this.#queue.slice(batchMax);
      // In a turn of its own, so that no call waits for the encoding.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#deliver(exportRequest(batch, this.#scope), batch.length);
    } while (this.#queue.length >= batchMax || (this.#closing.signal.aborted && this.#queue.length > 0));
  }

  async #deliver(body: string, spans: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#post(body);
      if (failure === undefined) return this.#delivered();
      const isOver = attempt >= ATTEMPTS_MAX || this.#closing.signal.aborted || this.#stopping.signal.aborted;
      if (!failure.isPassing || isOver) {
        this.#dropped += spans;
        return this.#complain(failure.why);
      }
      const backoff = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + systemRandom.next());
      const waitMs = Math.min(PAUSE_MS_MAX, failure.afterMs ?? backoff);
      await pause(waitMs, undefined, { ref: false, signal: this.#closing.signal }).catch(() => undefined);
    }
  }

  async #post(body: string): Promise<Failure | undefined> {
    const { url, headers, timeoutMs } = this.#target;
    const stopping = this.#stopping.signal;
    const own = new AbortController();
    const timer = setTimeout(() => own.abort(new DOMException("no answer in time", "TimeoutError")), timeoutMs).unref();
    const stop = () => own.abort(stopping.reason);
    stopping.addEventListener("abort", stop, { once: true });
    try {
      const response = await fetch(url, {
        method: "POST",
        body,
        headers: { ...headers, "content-type": "application/json" },
        // A redirect would carry the headers elsewhere.
        redirect: "manual",
        signal: own.signal,
      });
      await drained(response);
      if (response.ok) return undefined;
      const isPassing = PASSING.has(response.status);
      return { isPassing, why: `status ${response.status}`, afterMs: retryAfterMs(response) };
    } catch (error) {
      // The address is not named: it may hold a secret.
      return { isPassing: true, why: error instanceof Error ? error.name : "unknown", afterMs: undefined };
    } finally {
      clearTimeout(timer);
      stopping.removeEventListener("abort", stop);
    }
  }

  #delivered(): void {
    this.#hasComplained = false;
    if (this.#dropped > 0) this.#logger.warn("spans were dropped", { spans: this.#dropped });
    this.#dropped = 0;
  }

  #complain(why: unknown): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#logger.warn("traces are not exported; the work goes on", { why });
  }
}

interface Failure {
  /** Whether it may go through later. */
  readonly isPassing: boolean;
  readonly why: string;
  readonly afterMs: number | undefined;
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

/** Reads an answer, which ends the request, up to a bound. */
async function drained({ body }: Response): Promise<void> {
  let left = ANSWER_BYTES_MAX;
  for await (const chunk of body ?? []) {
    left -= (chunk as Uint8Array).byteLength;
    if (left < 0) break;
  }
}
