/**
 * A thread that counts and shortens texts, which take a parser and up to seconds: the process that serves its clients meanwhile goes
 * on. Started by text-thread.ts.
 */
import { parentPort } from "node:worker_threads";
import { type ChunkOrder, chunkText, countTokens, cutText, extractAll, type ExtractOrder } from "./compaction.js";

/** Work for the thread: its kind and what it is about. */
export type TextWork =
  | { readonly do: "count"; readonly texts: readonly string[] }
  | { readonly do: "cut"; readonly text: string; readonly max: number }
  | { readonly do: "extract"; readonly orders: readonly ExtractOrder[] }
  | { readonly do: "chunk"; readonly order: ChunkOrder };

export interface TextRequest {
  readonly id: number;
  readonly work: TextWork;
}

export interface TextAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

function run(work: TextWork): unknown {
  switch (work.do) {
    case "count":
      return countTokens(work.texts);
    case "cut":
      return cutText(work.text, work.max);
    case "extract":
      return extractAll(work.orders);
    case "chunk":
      return chunkText(work.order);
  }
}

async function answer({ id, work }: TextRequest): Promise<TextAnswer> {
  try {
    return { id, result: await run(work) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on("message", (request: TextRequest) => {
  void answer(request).then((answered) => parentPort?.postMessage(answered));
});
