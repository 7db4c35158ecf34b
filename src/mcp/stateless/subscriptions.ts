import type { ServerEvent, SubscriptionFilter } from "@modelcontextprotocol/server";
import { hasCode } from "../../base/errors.js";
import type { ChangeFeed } from "../../engine/events/changes.js";
import type { EngineContext } from "../../engine/context.js";
import { changedBy, followedBy } from "../../resources/catalogue.js";
import type { Reader } from "../../resources/resource.js";
import type { Tx } from "../../store/tx.js";
import { SubscribedAddresses } from "../browsing/subscribed-addresses.js";
import type { Subscription } from "./transport.js";

/** Addresses that one stream is subscribed to; a client that wants more opens another. */
const ADDRESSES_MAX = 1_000;
/** A stream gives a sign of life so often while the history tells of other things alone: proxies end a silent one. */
const QUIET_MS_MAX = 10_000;

/**
 * Subscribes to the resources that a client asks for. Addresses of nothing, those over the limit and lists, which never change while
 * a server runs, are not honored.
 */
export async function subscriptionTo(
  reader: Reader,
  { resourceSubscriptions: asked = [] }: SubscriptionFilter,
  news: ChangeFeed,
): Promise<Subscription> {
  // From here on no change is missed: what is read below may be newer.
  await news.next();
  const uris = [...new Set(asked)].slice(0, ADDRESSES_MAX);
  const followed = await reader.read((ctx) => addressesOf(ctx, uris));
  const subscribed = new SubscribedAddresses();
  for (const [uri, addresses] of followed) subscribed.add(uri, addresses);
  return { honored: followed.size === 0 ? {} : { resourceSubscriptions: [...followed.keys()] }, events: updates() };

  async function* updates(): AsyncGenerator<readonly ServerEvent[], undefined> {
    let saidAt = performance.now();
    for await (const changes of news) {
      const concerned = subscribed.concernedBy(changes.flatMap(changedBy));
      const isQuiet = concerned.length === 0 && changes.length > 0 && performance.now() - saidAt < QUIET_MS_MAX;
      if (isQuiet) continue;
      saidAt = performance.now();
      yield concerned.map((uri) => ({ kind: "resource_updated", uri }) as const);
    }
    return undefined;
  }
}

/** The addresses whose changes are changes of each of these, without those of nothing. A query. */
function* addressesOf(ctx: EngineContext, uris: readonly string[]): Tx<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const uri of uris) {
    try {
      found.set(uri, yield* followedBy(ctx, uri));
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
    }
  }
  return found;
}
