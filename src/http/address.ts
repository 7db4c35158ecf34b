import { BatonError } from "../base/errors.js";

/** Where a server listens. */
export interface Address {
  /** A name or a number, without brackets. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

const PORT_MAX = 65_535;
const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

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

/** Whether only programs on this machine can reach an address. */
export function isLoopback({ host }: Address): boolean {
  return LOOPBACK.has(host);
}

/** The address as a URL has it. */
export function originOf({ host, port }: Address): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Errors: `not_permitted` for an address that others reach, which asks for tokens. */
export function requireLoopback(address: Address): void {
  if (isLoopback(address)) return;
  const message = `${originOf(address)} can be reached from other machines, and this server asks nobody who they are. Nothing listens. Three ways out: listen at 127.0.0.1 and let a proxy with its own sign-in stand before it; reach it from elsewhere through ssh -L; or let each machine run its own baton on one PostgreSQL database.`;
  throw new BatonError("not_permitted", message, { details: { host: address.host, loopback: [...LOOPBACK] } });
}
