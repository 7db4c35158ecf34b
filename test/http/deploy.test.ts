import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { validate } from "dockerfile-utils";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { bearing, startHttpServer } from "../support/http/http-server.js";
import { askAs } from "../support/http/raw.js";
import { personsDatabase } from "../support/http/tokens.js";

const DEPLOY = path.resolve(import.meta.dirname, "../../deploy");
const read = (file: string): string => readFileSync(path.join(DEPLOY, file), "utf8");

const unit = read("systemd/baton@.service");
const unitValue = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";

/** As systemd fills it in for an instance, by its name and the environment file. */
const unitLine = unitValue("ExecStart").replace("%i", "7420").replace("${BATON_PUBLIC_URL}", "https://baton.example");

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

function manifestsIn(file: string): Manifest[] {
  return parseAllDocuments(read(`kubernetes/${file}`), { strict: true }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  });
}

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
    readonly livenessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
  }[];
}

const [deployment, service] = manifestsIn("baton.yaml") as [Manifest, Manifest];
const pod = (deployment.spec["template"] as { spec: Pod }).spec;
const container = pod.containers[0]!;

/** The command lines of the deployments, after the program's name. */
const LINES: readonly (readonly [string, readonly string[], number])[] = [
  ["the systemd unit", unitLine.split(" ").slice(2), Number(unitValue("TimeoutStopSec"))],
  ["the Kubernetes deployment", container.args, pod.terminationGracePeriodSeconds],
];

describe.each(LINES)("a server as %s starts it", (_, [serve, flag, address, ...more], stopsWithinSeconds) => {
  test("asks everyone for a token, answers the probes under the public name, and ends in time when it is told to", async () => {
    const person = await personsDatabase();
    const token = await person.token("worker");
    expect([serve, flag]).toEqual(["serve", "--http"]);
    const at = address!.replace(/:\d+$/, ":0");
    const server = await startHttpServer({ database: person.database, address: at, args: more });
    expect((await server.call("get_system_status")).status).toBe(401);
    expect((await server.call("get_system_status", {}, bearing(token))).status).toBe(200);
    for (const { httpGet } of [container.readinessProbe, container.livenessProbe])
      expect((await fetch(`${server.origin}${httpGet.path}`)).status).toBe(200);
    expect(await askAs("baton.example", Number(new URL(server.origin).port))).toMatch(/^HTTP\/1\.1 200 /);
    const from = performance.now();
    server.child.kill("SIGTERM");
    expect(await server.ended).toMatchObject({ code: 0 });
    expect(stopsWithinSeconds).toBeGreaterThan((performance.now() - from) / 1_000);
  });
});

test("the Kubernetes manifests fit together: the service finds the pods by their labels and their port by its name", () => {
  const template = deployment.spec["template"] as { metadata: { labels: object } };
  expect(service.spec["selector"]).toEqual(template.metadata.labels);
  const [port] = service.spec["ports"] as { targetPort: string }[];
  expect(container.ports).toContainEqual({ name: port?.targetPort, containerPort: 7420 });
  expect(manifestsIn("postgres.yaml").map(({ kind }) => kind)).toEqual(["StatefulSet", "Service"]);
});

test("the container file is well formed, and starts what the deployment starts, and opens its port", () => {
  const file = read("container/Containerfile");
  expect(validate(file).map(({ message }) => message)).toEqual([]);
  expect(file).toContain(`EXPOSE ${container.ports[0]?.containerPort}`);
  const [command] = /^CMD (\[.*\])$/m.exec(file)?.slice(1) ?? [];
  expect(container.args.slice(0, 3)).toEqual(JSON.parse(command ?? ""));
});

test.skipIf(!existsSync("/usr/bin/systemd-analyze"))("the systemd unit is one that systemd takes", () => {
  expect(() => execFileSync("systemd-analyze", ["verify", path.join(DEPLOY, "systemd/baton@.service")])).not.toThrow();
});
