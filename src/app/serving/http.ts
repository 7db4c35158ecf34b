import path from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { hasCode } from "../../base/errors.js";
import type { Flags } from "../../config.js";
import { RESERVED_HANDLES } from "../../engine/agents/agents.js";
import type { CallerAccess } from "../../engine/context.js";
import type { Engine } from "../../engine/engine.js";
import { KnownHosts } from "../../http/access/hosts.js";
import { issuerFrom, TrustedIssuer } from "../../http/access/issuer.js";
import { OpenVisits } from "../../http/access/open-visits.js";
import { Rates } from "../../http/access/rates.js";
import { audiencesOf } from "../../http/access/resource-metadata.js";
import { cookieOf } from "../../http/access/session-cookie.js";
import { LINK_MINUTES, SignInLink } from "../../http/access/sign-in-link.js";
import { type Address, addressFrom, isLoopback, originOf, publicUrlsFrom, refuseToListen } from "../../http/address.js";
import { Listener } from "../../http/listener.js";
import { Traffic } from "../../http/metrics/traffic.js";
import { httpServer } from "../../http/server.js";
import { type StatelessHandler, statelessHandler } from "../../mcp/stateless/handler.js";
import { systemClock } from "../../runtime/clock.js";
import { newSecret } from "../../runtime/random.js";
import { OpenCalls } from "../../runtime/waiting.js";
import { PACKAGE_ROOT } from "../../runtime/package-root.js";
import { VERSION } from "../../runtime/version.js";
import type { App } from "../app.js";
import { type Launched, launch } from "../launch.js";
import { ownHandle, seatOf } from "../person-seat.js";
import { TokenAdmissions } from "./admissions.js";
import { bookUsage } from "./exported-usage.js";
import { ENVELOPE_BYTES, stopSignal } from "./process.js";
import { RefusalLog } from "./refusal-log.js";

/** From the signal on, at most: waits end at once, and what runs may answer. */
const DRAIN_MS_MAX = 10_000;
/** The same with the end of the session. */
const SHUTDOWN_MS_MAX = 12_000;
/** The name of this process among the sessions. */
const CLIENT = "baton-serve";

export interface HttpFlags {
  readonly address: string;
  readonly publicUrls: readonly string[];
  readonly issuer: string | undefined;
}

/** Serves MCP and the operations over HTTP until a signal comes; then ends the process. */
export async function serveHttp(flags: Flags, where: HttpFlags): Promise<never> {
  const { address, publicUrls, issuer, asksAll } = placeOf(where);
  const launched = launch(flags, { cwd: process.cwd() });
  const { app, config, logger } = launched;
  const calls = new OpenCalls();
  const shared = sharedParts(launched, calls);
  const engine = () => app.sessionlessEngine(CLIENT);
  if (asksAll && issuer === undefined) await requireAWayIn(engine, { app, address });
  const link = asksAll ? undefined : signInLink(launched);
  const mcp = statelessHandler({
    ...shared,
    elicitationHost: (client, access) => app.remoteElicitation(client, access),
    toolsets: config.toolsets,
  });
  const refusals = new RefusalLog({ ...shared, engine });
  const traffic = new Traffic();
  const listener = await Listener.at(address, {
    requestMs: config.settings.http_request_timeout_ms,
    traffic,
    at: (bound) => {
      const origin = publicUrls[0]?.origin ?? originOf(bound);
      const vouching = issuer === undefined ? undefined : trusted(issuer, origin);
      const admissions = new TokenAdmissions({ ...shared, engine, refusals, issuer: vouching });
      const now = () => systemClock.now();
      return httpServer({
        ...shared,
        admissions,
        visits: new OpenVisits({ stillLetIn: (tokens) => admissions.stillLetIn(tokens), now, logger }),
        asksAll,
        hosts: new KnownHosts(bound, publicUrls),
        resource: issuer === undefined ? undefined : { issuer, origin },
        rates: new Rates(config.settings.http_requests_per_second),
        cookie: cookieOf(bound.port, publicUrls),
        link: link?.opening,
        now,
        traffic,
        metricNames: () => app.settings.metrics_names,
        heartbeatMs: () => app.settings.progress_every_ms,
        isReady: () => answers(app),
        bookUsage: async (usages, agents) => bookUsage(await engine(), usages, agents),
        dashboard: path.join(PACKAGE_ROOT, "dist/dashboard"),
        mcp: {
          fetch: (read, { access }) => mcp.fetch(read, access),
          listen: (read, { access }, news) => mcp.listen(read, access, news),
        },
      }).fetch;
    },
  });
  await app.standBy(CLIENT);
  // The line that says that it serves is the last.
  if (link !== undefined) process.stderr.write(link.shownAt(originOf(listener.address)));
  process.stderr.write(`baton: serving MCP at ${originOf(listener.address)}/mcp\n`);
  await stopSignal();
  calls.stop();
  await Promise.race([shutDown({ listener, mcp, app }), after(SHUTDOWN_MS_MAX)]);
  process.exit(0);
}

/** Parts that MCP and the operations share. */
function sharedParts({ app, config, logger }: Launched, calls: OpenCalls) {
  return {
    version: VERSION,
    logger,
    dispatch: (client: string, access?: CallerAccess) => app.remoteDispatch(client, access),
    calls,
    bodyBytesMax: config.settings.input_bytes_max + ENVELOPE_BYTES,
    newRequestId: () => app.newRequestId(),
    reader: () => app.reader(CLIENT),
    readOnly: config.readOnly,
  };
}

interface Serving {
  readonly listener: Listener;
  readonly mcp: StatelessHandler;
  readonly app: App;
}

async function shutDown({ listener, mcp, app }: Serving): Promise<void> {
  await Promise.race([listener.close(), after(DRAIN_MS_MAX)]);
  await mcp.close();
  await app.close();
}

/** Where a server listens, and of whom it asks who they are. */
function placeOf({ address: where, publicUrls: urls, issuer: vouching }: HttpFlags) {
  const address = addressFrom(where);
  const publicUrls = publicUrlsFrom(urls);
  const issuer = vouching === undefined ? undefined : issuerFrom(vouching);
  // A proxy before a server on this machine brings callers from others.
  return { address, publicUrls, issuer, asksAll: !isLoopback(address) || publicUrls.length > 0 };
}

function trusted(issuer: string, origin: string): TrustedIssuer {
  return new TrustedIssuer({ issuer, audiences: audiencesOf(origin), reserved: RESERVED_HANDLES });
}

async function answers(app: App): Promise<boolean> {
  try {
    await (await app.reader(CLIENT)).read(function* () {});
    return true;
  } catch (error) {
    if (!hasCode(error, "unavailable")) throw error;
    return false;
  }
}

/** Errors: `not_permitted` where there is no token yet with which a caller could say who it is. */
async function requireAWayIn(
  engine: () => Promise<Engine>,
  { app, address }: { readonly app: App; readonly address: Address },
): Promise<void> {
  const { letsAnyIn } = await import("../../engine/access/authentication.js");
  if (await (await engine()).read(letsAnyIn)) return;
  await app.close();
  throw refuseToListen(address);
}

/** A link for the person who has started this server at a terminal; undefined where none is taken to sit there. */
function signInLink({ config }: Launched) {
  const seat = seatOf(process.env["BATON_PERSON_SECRET"]);
  if (seat === undefined || seat.refused !== undefined || config.readOnly) return undefined;
  const code = newSecret();
  const person = ownHandle(RESERVED_HANDLES);
  return {
    opening: new SignInLink(code, { person, now: systemClock.now() }),
    shownAt: (origin: string) =>
      `baton: for ${person}, once and within ${LINK_MINUTES} minutes: ${origin}/?code=${code}\n`,
  };
}
