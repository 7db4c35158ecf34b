import { createHash } from "node:crypto";

/** A token as its bearer has it: `baton_ID_SECRET`. */
export interface BearerToken {
  /** Of its row: `token_…`. */
  readonly id: string;
  readonly secret: string;
}

const FORM = /^baton_([0-9a-z]{16})_([\w-]{43})$/;
const KIND = "token";

export function writtenToken({ id, secret }: BearerToken): string {
  return `baton_${id.slice(KIND.length + 1)}_${secret}`;
}

/** Undefined for a text of another form. */
export function parseToken(text: string): BearerToken | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id: `${KIND}_${id}`, secret };
}

/** A secret has 256 random bits: its plain hash leads back to it no more than a slow one does. */
export function hashOfSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
