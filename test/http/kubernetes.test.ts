import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { temporaryDirectory } from "../support/databases/databases.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const MANIFESTS = path.join(ROOT, "deploy/kubernetes");
const COMPILER = path.join(ROOT, "node_modules/typescript/bin/tsc");
const OPTIONS = ["--noEmit", "--strict", "--module", "preserve", "--moduleResolution", "bundler", "--types", ""];

/** The modules of Kubernetes' published types, made from its own OpenAPI document, that have each kind. */
const GROUPS: Readonly<Record<string, string>> = {
  "apps/v1": "kubernetes-types/apps/v1",
  v1: "kubernetes-types/core/v1",
  "policy/v1": "kubernetes-types/policy/v1",
};

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}

const manifests = readdirSync(MANIFESTS).flatMap((file) =>
  parseAllDocuments(readFileSync(path.join(MANIFESTS, file), "utf8")).map((document) => document.toJS() as Manifest),
);

/** A manifest as a value of its type: the compiler refuses fields that the type does not have, and values of other types. */
function typed({ apiVersion, kind }: Manifest, value: string): string {
  const module = GROUPS[apiVersion];
  if (module === undefined) throw new Error(`there are no types of ${apiVersion} here yet: add them`);
  return `(): import("${module}").${kind} => (${value});`;
}

/** Complaints of the compiler about a program. */
function complaints(program: string): string {
  const directory = temporaryDirectory();
  symlinkSync(path.join(ROOT, "node_modules"), path.join(directory, "node_modules"));
  writeFileSync(path.join(directory, "package.json"), '{"type": "module"}');
  writeFileSync(path.join(directory, "manifests.ts"), program);
  try {
    return execFileSync(process.execPath, [COMPILER, ...OPTIONS, "manifests.ts"], { cwd: directory, encoding: "utf8" });
  } catch (error) {
    return String((error as { stdout: unknown }).stdout);
  }
}

test("the Kubernetes manifests are what Kubernetes' schemas say, with no field that they do not know", () => {
  expect(manifests.map(({ kind }) => kind).sort()).toEqual([
    "Deployment",
    "PodDisruptionBudget",
    "Service",
    "Service",
    "StatefulSet",
  ]);
  const right = manifests.map((manifest) => typed(manifest, JSON.stringify(manifest)));
  // Each with a field that is written wrongly somewhere below its specification, which the compiler must say.
  const wrong = manifests.map((manifest) => {
    const text = JSON.stringify(manifest);
    const spoiled = text.replace('"spec":{', '"spec":{"replcas":2,');
    expect(spoiled).not.toBe(text);
    return `// @ts-expect-error -- a field that there is not\n${typed(manifest, spoiled)}`;
  });
  const deployment = manifests.find(({ kind }) => kind === "Deployment")!;
  const text = JSON.stringify(deployment).replace('"containerPort":7420', '"containerPort":"7420"');
  const worded = `// @ts-expect-error -- a number that is a text, far below\n${typed(deployment, text)}`;
  expect(complaints([...right, ...wrong, worded].join("\n"))).toBe("");
});
