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

/** Errors: `not_permitted` for an address that others reach, which asks for tokens. */
export function requireLoopback(address: Address): void {
  if (LOOPBACK_HOSTS.some((host) => host === hostIn(address))) return;
  const message = `${originOf(address)} can be reached from other machines, and this server asks nobody who they are. Nothing listens. Three ways out: listen at 127.0.0.1 and let a proxy with its own sign-in stand before it; reach it from elsewhere through ssh -L; or let each machine run its own baton on one PostgreSQL database.`;
  throw new BatonError("not_permitted", message, { details: { host: address.host, loopback: LOOPBACK_HOSTS } });
}
