import { BatonError } from "../base/errors.js";

/** Where a server listens. */
export interface Address {
  /** A name or a number, without brackets. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

const PORT_MAX = 65_535;
/** Names of this machine for itself, as a URL has them. */
export const LOOPBACK_HOSTS = ["127.0.0.1", "[::1]", "localhost"] as const;

/** Reads `HOST:PORT`, `[::1]:PORT` or `PORT`, which means this machine alone. Errors: `invalid_input`. */
export function addressFrom(text: string): Address {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]:|([^:[\]]+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > PORT_MAX) {
    const message = `--http ${text} is no address to listen at. It is HOST:PORT, as in 127.0.0.1:7420 or [::1]:7420.`;
    throw new BatonError("invalid_input", message);
  }
  return { host: bracketed ?? plain ?? "127.0.0.1", port };
}

/** The address as a URL has it. */
export function originOf(address: Address): string {
  return `http://${hostIn(address)}:${address.port}`;
}

function hostIn({ host }: Address): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Whether this machine alone reaches an address. */
export function isLoopback(address: Address): boolean {
  return LOOPBACK_HOSTS.some((host) => host === hostIn(address));
}

/** Reads addresses under which others reach a server. Errors: `invalid_input`. */
export function publicUrlsFrom(texts: readonly string[]): URL[] {
  return texts.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === "/") return url;
    const message = `--public-url ${text} is no address of a site. It is as in https://baton.example.org, without a path.`;
    throw new BatonError("invalid_input", message);
  });
}

/** The refusal to listen where others reach a server that could ask none of them who they are. */
export function refuseToListen(address: Address): BatonError {
  const message = `${originOf(address)} can be reached from other machines, and this server has no way to tell who calls. Nothing listens. Three ways out: make a token for each program (baton token create --role worker) and start again; trust an OAuth issuer (--oauth-issuer URL); or listen at 127.0.0.1 and reach it from elsewhere through ssh -L.`;
  return new BatonError("not_permitted", message, { details: { host: address.host, loopback: LOOPBACK_HOSTS } });
}
