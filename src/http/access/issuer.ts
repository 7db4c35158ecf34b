import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { BatonError } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import { isName, nameFrom } from "../../base/names.js";
import { PERMISSION_ROLES, type PermissionRole } from "../../base/statuses.js";
import { LOOPBACK_HOSTS } from "../address.js";
import type { RefusedCredential, Visitor } from "./admission.js";

export interface IssuerParts {
  readonly issuer: string;
  /** Names of this resource: a token for another does not count here. */
  readonly audiences: readonly string[];
  /** Names that no person has. */
  readonly reserved: ReadonlySet<string>;
}

/** Signatures whose key the issuer alone has. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const CLOCK_TOLERANCE_S = 5;
const FETCH_MS = 5_000;
const SCOPE = "baton:";
const SUBJECT_CHARS_MAX = 200;
const AGENTS_MAX = 100;

export const SCOPES = PERMISSION_ROLES.map((role) => `${SCOPE}${role}`);

/** Reads the address of an issuer. Errors: `invalid_input`. */
export function issuerFrom(text: string): string {
  if (URL.canParse(text) && isPrivate(new URL(text))) return text;
  const message = `--oauth-issuer ${text} is no issuer: it is an https:// address, as its tokens have it in iss.`;
  throw new BatonError("invalid_input", message);
}

/** Whether no other machine can answer in place of this address. */
function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && LOOPBACK_HOSTS.some((host) => host === hostname));
}

/** An OAuth 2.1 issuer that the operator trusts: it vouches for callers by signed tokens. */
export class TrustedIssuer {
  readonly #parts: IssuerParts;
  #keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(parts: IssuerParts) {
    this.#parts = parts;
  }

  /** Errors: `unavailable` where the issuer's keys cannot be had. */
  async admit(token: string): Promise<Visitor | RefusedCredential> {
    const { issuer, audiences } = this.#parts;
    try {
      const { payload } = await jwtVerify(token, await this.#issuersKeys(), {
        issuer,
        audience: [...audiences],
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ["sub", "exp"],
      });
      return this.#visitorOf(payload);
    } catch (error) {
      const refused = wordsFor(error, this.#parts);
      if (refused !== undefined) return { refused };
      if (error instanceof BatonError) throw error;
      const why = error instanceof Error ? error.message : "it does not answer";
      const message = `The keys of ${issuer} cannot be had, so its tokens cannot be checked: ${why}.`;
      throw new BatonError("unavailable", message);
    }
  }

  #visitorOf(payload: JWTPayload): Visitor | RefusedCredential {
    const { sub = "", exp = 0 } = payload;
    const role = roleOf(payload);
    if (role === undefined)
      return { refused: `The token names no role: its claim baton_role, or a scope such as ${SCOPE}worker, does.` };
    const agents = agentsOf(payload["baton_agents"]);
    if (agents === "unreadable")
      return { refused: "The claim baton_agents names no agents: it is a list of their names." };
    const called = [payload["preferred_username"], payload["name"], sub].find((text) => typeof text === "string");
    const name = nameFrom(String(called), "caller");
    return {
      by: "issuer",
      access: {
        id: `oauth:${sub.slice(0, SUBJECT_CHARS_MAX)}`,
        name: this.#parts.reserved.has(name) ? `${name}-user` : name,
        role,
        agents: role === "human" ? null : agents,
      },
      expiresAt: exp * 1_000,
    };
  }

  /** Found with the first token; after a failure the next one tries again. */
  #issuersKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= keysOf(this.#parts.issuer).catch((error: unknown) => {
      this.#keys = undefined;
      throw error;
    });
    return this.#keys;
  }
}

/** The key set that the issuer's metadata names (RFC 8414, OpenID Connect Discovery). */
async function keysOf(issuer: string): Promise<JWTVerifyGetKey> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  for (const url of [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]) {
    const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(FETCH_MS) });
    if (!response.ok) continue;
    const metadata: unknown = await response.json();
    const keys = isObject(metadata) && metadata["issuer"] === issuer ? metadata["jwks_uri"] : undefined;
    if (typeof keys === "string" && URL.canParse(keys) && isPrivate(new URL(keys)))
      return createRemoteJWKSet(new URL(keys), { timeoutDuration: FETCH_MS });
  }
  throw new Error(`${issuer} has no metadata that names its keys`);
}

function roleOf({ baton_role: said, scope, scp }: JWTPayload): PermissionRole | undefined {
  const scopes = Array.isArray(scp) ? scp : typeof scope === "string" ? scope.split(" ") : [];
  return PERMISSION_ROLES.find((role) => (said === undefined ? scopes.includes(`${SCOPE}${role}`) : said === role));
}

function agentsOf(said: unknown): readonly string[] | null | "unreadable" {
  if (said === undefined) return null;
  const names: unknown[] = typeof said === "string" ? said.split(" ") : Array.isArray(said) ? said : [];
  const agents = names.filter((name): name is string => typeof name === "string" && isName(name));
  return agents.length === names.length && agents.length > 0 && agents.length <= AGENTS_MAX ? agents : "unreadable";
}

/** Why a token does not count; undefined where that could not be found out. */
function wordsFor(error: unknown, { issuer, audiences }: IssuerParts): string | undefined {
  if (error instanceof errors.JWTExpired) return `The token is over: ${issuer} gives another.`;
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === "aud"
      ? `The token is for another resource: its aud is one of ${audiences.join(", ")} here.`
      : `The claim ${error.claim} of the token does not hold here; this server trusts ${issuer}.`;
  const isForged =
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid;
  return isForged ? `The token is not signed by ${issuer}, which this server trusts.` : undefined;
}
