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

/** Whether a call may well be answered a little later: the server cannot read its database now, is asked too often, or stands behind what failed. */
export function isPassing({ code }: Problem): boolean {
  return code === "unavailable" || code === "limit_exceeded" || code === UNKNOWN;
}

/** The code of an answer that is not the server's own, such as that of a proxy before it. */
const UNKNOWN = "unknown";

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
  const response = await request(`/api/v1/operations/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(input),
    ...(signal && { signal }),
  });
  if (!response.ok) throw await problemIn(response);
  return response.json();
}

/** The answer of the server, whatever that is. Errors: `Problem` where it does not. */
export async function request(address: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(address, options);
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw new Problem(OFFLINE, "The server does not answer.");
  }
}

/** The problem that an answer is. */
export async function problemIn(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  return new Problem(body.code ?? UNKNOWN, body.detail ?? `The server answered ${response.status}.`);
}
