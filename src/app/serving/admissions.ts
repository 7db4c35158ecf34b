import { hashOfSecret, parseToken, writtenToken } from "../../base/secrets/access-tokens.js";
import type { Engine } from "../../engine/engine.js";
import type { Admissions, Credential, RefusedCredential, SignedIn, Visitor } from "../../http/access/admission.js";
import type { TrustedIssuer } from "../../http/access/issuer.js";
import type { Logger } from "../../runtime/logger.js";
import { newSecret } from "../../runtime/random.js";
import type { RefusalLog } from "./refusal-log.js";

export interface AdmissionParts {
  engine(): Promise<Engine>;
  readonly refusals: RefusalLog;
  /** Vouches for callers that have none of the database's tokens. */
  readonly issuer?: TrustedIssuer | undefined;
  /** Whether nothing may be written. */
  readonly readOnly: boolean;
  readonly logger: Logger;
}

const WEB_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Tokens of which this process remembers that their use is recorded. */
const REMEMBERED_MAX = 4_096;
/** How often the use of a token is recorded. */
const RECORDED_MS = 3_600_000;

/** Admissions by the tokens of the database: any of several servers on it lets the same ones in. */
export class TokenAdmissions implements Admissions {
  readonly #parts: AdmissionParts;
  /** When the use of a token was recorded last. */
  readonly #recorded = new Map<string, number>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  async admit({ from, text }: Credential): Promise<Visitor | RefusedCredential> {
    const { issuer, refusals } = this.#parts;
    if (issuer !== undefined && from === "header" && WEB_TOKEN.test(text)) {
      const visitor = await issuer.admit(text);
      if ("refused" in visitor) refusals.add("not_trusted");
      return visitor;
    }
    const bearer = parseToken(text);
    if (bearer === undefined) return this.#refused("unknown");
    const [engine, { authenticate }] = await Promise.all([this.#parts.engine(), load()]);
    const { token, refused } = await engine.read((ctx) => authenticate(ctx, bearer));
    if (refused !== undefined) return this.#refused(refused, token?.id);
    // A cookie is no token of a program, nor the other way round.
    if ((token.kind === "browser") !== (from === "cookie")) return this.#refused("unknown", token.id);
    this.#recordUse(engine, token.id);
    const { id, name, role, agents, attended, expiresAt } = token;
    const access = { id, name, role, agents, attended };
    return { by: token.kind === "browser" ? "browser" : "token", access, expiresAt };
  }

  knows({ text }: Credential): boolean {
    const bearer = parseToken(text);
    return bearer !== undefined && this.#recorded.has(bearer.id);
  }

  async stillLetIn(tokens: readonly string[]): Promise<ReadonlySet<string>> {
    const [engine, { stillLetIn }] = await Promise.all([this.#parts.engine(), load()]);
    return engine.read((ctx) => stillLetIn(ctx, tokens));
  }

  missed(): void {
    this.#parts.refusals.add("missing");
  }

  async signIn({ name, token: parent }: { readonly name: string; readonly token?: string }): Promise<SignedIn> {
    const [engine, { signIn }] = await Promise.all([this.#parts.engine(), load()]);
    const secret = newSecret();
    const browser = await engine.transact((ctx) => signIn(ctx, { name, hash: hashOfSecret(secret), parent }));
    return { bearer: writtenToken({ id: browser.id, secret }), expiresAt: browser.expiresAt };
  }

  async signOut(browser: string): Promise<void> {
    const [engine, { signOut }] = await Promise.all([this.#parts.engine(), load()]);
    await engine.transact((ctx) => signOut(ctx, browser), { idempotent: true });
  }

  #refused(why: keyof typeof SENTENCES, token?: string): RefusedCredential {
    this.#parts.refusals.add(why, token);
    return { refused: SENTENCES[why] };
  }

  /** No call waits for it, and its failure refuses none. */
  #recordUse(engine: Engine, id: string): void {
    const now = engine.now();
    if (now - (this.#recorded.get(id) ?? 0) < RECORDED_MS) return;
    if (this.#recorded.size >= REMEMBERED_MAX) this.#recorded.clear();
    this.#recorded.set(id, now);
    if (this.#parts.readOnly) return;
    const record = async () => {
      const { recordUse } = await load();
      await engine.transact((ctx) => recordUse(ctx, id), { idempotent: true });
    };
    record().catch((error: unknown) => this.#parts.logger.warn("the use of a token was not recorded", { error }));
  }
}

/** The engine is loaded with the database. */
function load() {
  return import("../../engine/access/authentication.js");
}

const MAKE = "A person makes one at a terminal: baton token create --role worker.";
const SENTENCES = {
  unknown: `This server knows no such token. ${MAKE}`,
  // Said of no token more than that there is none: a guess learns nothing.
  wrong_secret: `This server knows no such token. ${MAKE}`,
  expired: `This token is over. ${MAKE}`,
  revoked: `This token was revoked. ${MAKE}`,
} as const;
