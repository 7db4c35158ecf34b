import type { CallerAccess } from "../../engine/context.js";

/** A credential as a request has it. */
export interface Credential {
  readonly from: "header" | "cookie";
  readonly text: string;
}

/** The sender of a request, as far as it has shown who it is. */
export interface Visitor {
  /** How it was shown; `nothing` on this machine alone. */
  readonly by: "nothing" | "token" | "browser" | "issuer";
  readonly access?: CallerAccess;
  readonly expiresAt?: number | null;
}

/** A credential that does not let in, and why, for who presented it. */
export interface RefusedCredential {
  readonly refused: string;
}

/** A browser that was signed in: the value of its cookie, and until when. */
export interface SignedIn {
  readonly bearer: string;
  readonly expiresAt: number;
}

/** Says whom a credential lets in, and signs browsers in and out. */
export interface Admissions {
  /** Errors: `unavailable`. */
  admit(credential: Credential): Promise<Visitor | RefusedCredential>;
  /** Whether the like of it was let in before: a guess is none. */
  knows(credential: Credential): boolean;
  /** Tokens, of these and by id, that still let in. Errors: `unavailable`. */
  stillLetIn(tokens: readonly string[]): Promise<ReadonlySet<string>>;
  /** Counts a request that was turned away for want of a credential. */
  missed(): void;
  /** Signs the browser of a person in, by the token of theirs or by the link of this server. Errors: `not_permitted`. */
  signIn(person: { readonly name: string; readonly token?: string }): Promise<SignedIn>;
  signOut(browser: string): Promise<void>;
}
