import { isIP } from "node:net";
import { type Address, isLoopback, LOOPBACK_HOSTS } from "../address.js";

/** The names under which this server is known, as `Host` has them. */
export class KnownHosts {
  readonly #names: ReadonlySet<string>;
  readonly #anyNumber: boolean;

  constructor(address: Address, publicUrls: readonly URL[]) {
    const bound = isIP(address.host) === 6 ? `[${address.host}]` : address.host.toLowerCase();
    this.#names = new Set([...LOOPBACK_HOSTS, bound, ...publicUrls.map(({ hostname }) => hostname)]);
    // A page of another site can bend a name of its own to this machine, never a number.
    this.#anyNumber = !isLoopback(address);
  }

  /** Whether the value of `Host` names this server. */
  has(host: string): boolean {
    const name = hostnameOf(`http://${host}`);
    if (name === undefined) return false;
    return this.#names.has(name) || (this.#anyNumber && isIP(name.replace(/^\[|\]$/g, "")) !== 0);
  }
}

/** Whether an origin is that of the address asked for, with its port: another server on this machine is another site. */
export function isSameOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && URL.canParse(`http://${host}`) && new URL(origin).host === hostOf(origin, host);
}

/** The host with the port that the scheme of the origin stands for. */
function hostOf(origin: string, host: string): string {
  return new URL(`${new URL(origin).protocol}//${host}`).host;
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
