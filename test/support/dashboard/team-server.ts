import { temporaryDirectory } from "../databases/databases.js";
import { type HttpServer, startHttpServer } from "../http/http-server.js";
import type { ServerOptions } from "../servers/client.js";
import { type Ask, type BusyTeam, busyTeam } from "./busy-team.js";

export interface TeamServer extends HttpServer, BusyTeam {
  readonly ask: Ask;
}

/** Calls operations of a server, and fails where one is refused. */
export function askOf({ call }: Pick<HttpServer, "call">): Ask {
  return async (name, ...[input]) => {
    const { status, body } = await call(name, input);
    if (status !== 200) throw new Error(`${name}: ${String(body["detail"])}`);
    return body;
  };
}

/** A server with a team at work on it. */
export async function startTeamServer(options: ServerOptions = {}): Promise<TeamServer> {
  const server = await startHttpServer(options);
  const ask = askOf(server);
  return { ...server, ask, ...(await busyTeam(ask, temporaryDirectory())) };
}
