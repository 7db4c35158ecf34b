import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";
import { SERVER } from "../../harness/places.js";
import { figuresOf, interleave, median, medianRatio, perSecond } from "../../harness/rounds.js";

/** Of throughput that observing may cost. */
const KEPT_LEAST = 0.97;
const ROUNDS = 15;
/** Long enough for two scrapes. */
const TASKS = 700;
const CALLS_PER_TASK = 3;
const SCRAPE_MS = 1_000;

export const observability: Benchmark = {
  name: "observability",
  title: "Operations over HTTP while they are observed, beside a server that is not",
  async run({ directory, quick, say }: Bench): Promise<Outcome> {
    const collector = await startCollector();
    const tasks = quick ? Math.round(TASKS / 4) : TASKS;
    const exporting = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const servers = await Promise.all([
      startServer(directory, "off", {}),
      startServer(directory, "off again", {}),
      startServer(directory, "scraped", {}),
      startServer(directory, "traced", exporting),
    ]);
    try {
      const contestants = servers.map((server) => ({
        name: server.name,
        round: () => perSecond(tasks * CALLS_PER_TASK, () => worked(server, tasks)),
      }));
      await interleave(contestants, 2);
      say("warm");
      const rounds = await interleave(contestants, quick ? 5 : ROUNDS);
      const off = figuresOf(rounds, "off");
      const peer = { name: "off", value: median(off) };
      const line = (name: string, what: string): Line => {
        const own = figuresOf(rounds, name);
        return { what, value: median(own), unit: "/s", peer, ratio: medianRatio(own, off) };
      };
      const target = { of: "ratio", at: "least", limit: KEPT_LEAST } as const;
      return {
        lines: [
          line("off again", "a second server that is not observed"),
          { ...line("scraped", "/metrics scraped every second"), target },
          { ...line("traced", "traces exported"), target },
        ],
        notes: [
          "create_task, claim_task and complete_task one after the other, SQLite at NORMAL, where nothing waits for the disk. The second server that is not observed shows what the machine's noise is.",
          `The collector got ${collector.posts()} batches.`,
        ],
        detail: Object.fromEntries(servers.map(({ name }) => [`${name}, operations/s`, figuresOf(rounds, name)])),
      };
    } finally {
      for (const server of servers) server.stop();
      collector.stop();
    }
  },
};

interface Server {
  readonly name: string;
  readonly origin: string;
  stop(): void;
}

async function startServer(directory: string, name: string, env: Readonly<Record<string, string>>): Promise<Server> {
  const home = path.join(directory, name);
  mkdirSync(home, { recursive: true });
  const { PATH } = process.env;
  const own = { HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, BATON_SQLITE_SYNCHRONOUS: "NORMAL" };
  const child = spawn(process.execPath, [SERVER, "serve", "--http", "127.0.0.1:0"], {
    cwd: home,
    env: { PATH, ...own, BATON_DB: path.join(home, "baton.db"), ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  while (!/:(\d+)\/mcp/.test(said)) await once(child.stderr, "data");
  const server = {
    name,
    origin: `http://127.0.0.1:${/:(\d+)\/mcp/.exec(said)?.[1]}`,
    stop: () => void child.kill("SIGKILL"),
  };
  await call(server, "create_project", { name: "bench" });
  return server;
}

async function worked(server: Server, tasks: number): Promise<void> {
  const scrape = () => void fetch(`${server.origin}/metrics`).then((response) => response.text());
  const scraping = server.name === "scraped" ? setInterval(scrape, SCRAPE_MS) : undefined;
  if (scraping !== undefined) scrape();
  for (let at = 0; at < tasks; at++) {
    await call(server, "create_task", { title: "t", prompt: "x", project: "bench" });
    const { task, lease } = await call(server, "claim_task", { project: "bench", agent: "ann" });
    await call(server, "complete_task", { task: task?.id, token: lease?.token, agent: "ann", result: {} });
  }
  clearInterval(scraping);
}

interface Claimed {
  readonly task?: { readonly id: string };
  readonly lease?: { readonly token: number };
}

async function call({ origin }: Server, name: string, input: object): Promise<Claimed> {
  const response = await fetch(`${origin}/api/v1/operations/${name}`, {
    method: "POST",
    body: JSON.stringify(input),
    headers: { "content-type": "application/json" },
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`${name}: ${body}`);
  return JSON.parse(body) as Claimed;
}

/** Takes traces and forgets them. */
async function startCollector(): Promise<{ url: string; posts(): number; stop(): void }> {
  let posts = 0;
  const server = http.createServer((request, response) => {
    request.resume().on("end", () => {
      posts += 1;
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, posts: () => posts, stop: () => void server.close() };
}
