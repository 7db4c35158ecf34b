import type { operations } from "./openapi.js";

export type OperationName = keyof operations;
/** The input of an operation. */
export type InputOf<N extends OperationName> = NonNullable<operations[N]["requestBody"]>["content"]["application/json"];
/** Its result. */
export type ResultOf<N extends OperationName> = operations[N]["responses"][200]["content"]["application/json"];

/** A call that was refused: what happened, as the server says it. */
export class Problem extends Error {
  readonly code: string;

  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** The code of a call that has not reached the server. */
export const OFFLINE = "offline";

/** A way for calls to the server. Errors: `Problem`. */
export type Transport = (name: OperationName, input: object, signal?: AbortSignal) => Promise<unknown>;

let transport: Transport = overHttp;

/** Lets calls take another way than to the server that the page came from. */
export function callOver(other: Transport): void {
  transport = other;
}

/** Calls an operation of the server. Errors: `Problem`. */
export async function call<N extends OperationName>(
  name: N,
  input: InputOf<N>,
  signal?: AbortSignal,
): Promise<ResultOf<N>> {
  return (await transport(name, input, signal)) as ResultOf<N>;
}

async function overHttp(...[name, input, signal]: Parameters<Transport>): Promise<unknown> {
  const response = await fetch(`/api/v1/operations/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(input),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new Problem(OFFLINE, "The server does not answer.");
  });
  if (!response.ok) throw await problemIn(response);
  return response.json();
}

/** The problem that an answer is. */
export async function problemIn(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  return new Problem(body.code ?? "unknown", body.detail ?? `The server answered ${response.status}.`);
}
