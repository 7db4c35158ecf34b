/** The resources that one client is subscribed to, and the addresses whose changes are theirs. */
export class SubscribedAddresses {
  readonly #followed = new Map<string, readonly string[]>();
  /** The other way round. */
  readonly #followers = new Map<string, Set<string>>();

  get size(): number {
    return this.#followed.size;
  }

  has(uri: string): boolean {
    return this.#followed.has(uri);
  }

  /** Subscribes an address to the changes of those that `followedBy` names for it. */
  add(uri: string, followed: readonly string[]): void {
    this.remove(uri);
    this.#followed.set(uri, followed);
    for (const address of followed) {
      const followers = this.#followers.get(address) ?? new Set();
      this.#followers.set(address, followers.add(uri));
    }
  }

  remove(uri: string): void {
    for (const address of this.#followed.get(uri) ?? []) {
      const followers = this.#followers.get(address);
      followers?.delete(uri);
      if (followers?.size === 0) this.#followers.delete(address);
    }
    this.#followed.delete(uri);
  }

  clear(): void {
    this.#followed.clear();
    this.#followers.clear();
  }

  /** The subscribed ones that these changes are changes of, each once. */
  concernedBy(changed: Iterable<string> | "everything"): string[] {
    if (changed === "everything") return [...this.#followed.keys()];
    const concerned = new Set<string>();
    for (const address of changed) for (const uri of this.#followers.get(address) ?? []) concerned.add(uri);
    return [...concerned];
  }
}
