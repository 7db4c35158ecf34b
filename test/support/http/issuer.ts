import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { atEnd } from "../lifetime.js";

/** An OAuth issuer on this machine: its metadata, its keys, and the tokens that it gives. */
export interface LocalIssuer {
  readonly url: string;
  /** Signs claims; the rest is as a server on `audience` wants it. */
  readonly token: (audience: string, claims: JWTPayload, more?: TokenFacts) => Promise<string>;
}

export interface TokenFacts {
  readonly expires?: string;
  readonly issuer?: string;
  /** Signed by a key that the issuer does not have. */
  readonly forged?: boolean;
}

const ALGORITHM = "ES256";

export async function startIssuer(): Promise<LocalIssuer> {
  const [own, other] = await Promise.all([generateKeyPair(ALGORITHM), generateKeyPair(ALGORITHM)]);
  const keys = { keys: [{ ...(await exportJWK(own.publicKey)), kid: "own", alg: ALGORITHM }] };
  const server = createServer((request, response) => {
    const found =
      request.url === "/.well-known/oauth-authorization-server"
        ? { issuer: url, jwks_uri: `${url}/keys` }
        : request.url === "/keys"
          ? keys
          : undefined;
    response.writeHead(found === undefined ? 404 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(found ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  atEnd(() => void server.close());
  return {
    url,
    token: (audience, claims, { expires = "5m", issuer = url, forged = false } = {}) =>
      new SignJWT({ sub: "someone", ...claims })
        .setProtectedHeader({ alg: ALGORITHM, kid: "own" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(expires)
        .sign((forged ? other : own).privateKey),
  };
}
