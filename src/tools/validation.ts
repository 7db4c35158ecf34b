import path from "node:path";
import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { type ArtifactVerdict, SEVERITIES, type Severity, VERDICTS } from "../base/statuses.js";
import { issuesOf, type JudgedIssue, judgementOf, type Review } from "../engine/reviews/judgements.js";
import { requestJudgement } from "../engine/tasks/judging.js";
import { hint } from "../base/names.js";
import { actingAgent } from "../engine/agents/agents.js";
import {
  type Artifact,
  recordValidation,
  requireArtifact,
  type ValidationOutcome,
} from "../engine/artifacts/artifacts.js";
import { type Content, contentOf, readContent } from "../engine/artifacts/content.js";
import { newestOfRun } from "../engine/artifacts/reading.js";
import { type GivenPlace, placeWanted, rootOf } from "../engine/artifacts/places.js";
import { typeOf, TYPES_BY_NAME } from "../engine/artifacts/types.js";
import { requireRun } from "../engine/lookup.js";
import { defineOperation, type HostWith } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import type { ValidationSubject, ValidationIssue } from "../validation/issue.js";
import type { Validation } from "../validation/validation.js";
import { contentInput, type GivenContent, readGiven } from "./artifact-contents.js";

/** Bytes that are looked through: parsers hold a text in memory several times over. */
const BYTES_MAX = 4_194_304;
const ISSUES_SHOWN_MAX = 100;
const COVERAGE_MIN = 80;
const CONSISTENT_MAX = 200;

const issueShape = z.object({
  check: z.string(),
  severity: z.enum(["info", "minor", "major", "critical"]),
  message: z.string(),
  where: z.string().optional(),
  suggestion: z.string().optional(),
});

const issuesShape = { issues: z.array(issueShape), more: z.int().optional() } as const;
/** An issue of a check, or of a reviewer, who is named in `from`. */
const judgedShape = issueShape.extend({ from: z.string().optional() });

function issuesView(issues: readonly (ValidationIssue | JudgedIssue)[]) {
  const shown = issues.slice(0, ISSUES_SHOWN_MAX).map(({ where, ...all }) => {
    const { line, ...issue } = { line: undefined, ...all };
    const place = line === undefined ? where : `line ${line}`;
    return { ...issue, ...(place !== undefined && { where: place }) };
  });
  return { issues: shown, ...(issues.length > shown.length ? { more: issues.length - shown.length } : {}) };
}

const contextShape = z.looseObject({
  language: z.string().max(40).optional().describe("Of code, such as python."),
  requirements: z.string().max(10_000).optional().describe("What it must meet, for the reviewer."),
  coverage_min: z.number().min(0).max(100).optional().describe(`Per cent of lines. Default: ${COVERAGE_MIN}.`),
});

/** The name that other systems have for the type. */
function withType({ artifact_type: type, ...given }: Record<string, unknown>): Record<string, unknown> {
  return type === undefined ? given : { type, ...given };
}

const judgementShape = z.object({
  /** Id of the reviewer's task. */
  task: z.string(),
  role: z.string().optional(),
  verdict: z.enum(VERDICTS).optional(),
  agent: z.string().optional(),
});

function judgementView({ id, role, verdict, reviewer }: Review) {
  return {
    task: id,
    ...(role === null ? {} : { role }),
    ...(verdict === null ? {} : { verdict }),
    ...(reviewer === null ? {} : { agent: reviewer }),
  };
}

const validate = defineOperation({
  name: "validate_artifact",
  title: "Validate an artifact",
  description:
    "Checks an artifact, or a content before it is put, by its type: structure, syntax, secrets, personal data, coverage, test reports, OpenAPI, requirements. Returns issues with severity, place and suggestion, whether it passed, and the criteria that need judgement, which judge hands to a reviewer. The verdict stays with the artifact, for gates.",
  area: "artifacts",
  effect: "write",
  translate: withType,
  words: ["lint", "check quality", "find secrets", "semantic validation", "coverage"],
  example: { artifact: "artifact_…" },
  input: z.object({
    artifact: z.string().min(1).max(300).optional().describe("Id or name, from put_artifact or list_artifacts."),
    type: z.string().max(100).optional().describe("requirements, architecture, code, tests, security, openapi, …"),
    name: z.string().max(200).optional().describe("Of a content that was not put; its ending tells the language."),
    ...contentInput,
    criteria: z
      .array(z.string().max(100))
      .max(20)
      .optional()
      .describe("Only these checks. Default: those of the type."),
    context: contextShape.optional(),
    judge: z
      .boolean()
      .optional()
      .describe("Also makes a task for a reviewer with the criteria; its findings are issues of later validations."),
    reviewer_role: z.string().min(1).max(100).optional().describe("Default: by the artifact's type."),
    run: params.run.optional().describe("Where a name is looked for, from list_runs. Default: the project."),
    project: params.project,
    ...params.acting,
  }),
  output: z.object({
    artifact: z.object({ id: z.string(), name: z.string(), version: z.int() }).optional(),
    type: z.string(),
    passed: z.boolean(),
    critical: z.boolean(),
    issues: z.array(judgedShape),
    more: z.int().optional(),
    figures: z.record(z.string(), z.number()),
    checks: z.array(z.string()),
    criteria: z.array(z.object({ key: z.string(), question: z.string() })),
    review: judgementShape.optional(),
  }),
  needs: ["contents"],
  async perform(host, input) {
    const { validate: run, CHECKS, CHECKED_TYPES } = await import("../validation/validation.js");
    requireKnown(input.criteria, Object.keys(CHECKS));
    const { artifact, content, name, root, path: at } = await subjectOf(host, input);
    requireKnownType(input.type, [...CHECKED_TYPES, ...TYPES_BY_NAME, ...(artifact ? [artifact.type] : [])]);
    const type = input.type ?? artifact?.type ?? typeOf(name, content.isText);
    const line = artifact && { id: artifact.id, name: artifact.name, version: artifact.version };
    const answer = { ...(line && { artifact: line }), type };
    if (!content.isText) return { ...answer, ...UNREAD };
    if (content.data.length > BYTES_MAX) throw tooLarge(content.data.length);
    const subject: ValidationSubject = {
      name,
      type,
      text: Buffer.from(content.data).toString("utf8"),
      language: input.context?.language,
      coverageMin: input.context?.coverage_min ?? COVERAGE_MIN,
      ...(at !== undefined &&
        root !== undefined && {
          exists: (relative: string) => host.contents.exists(root, path.posix.join(path.posix.dirname(at), relative)),
        }),
    };
    const isWhole = artifact !== undefined && input.criteria === undefined && type === artifact.type;
    if (input.judge === true && !isWhole) throw nothingToJudge();
    const found = await run(subject, input.criteria);
    return { ...answer, ...(await withJudgement(host, found, { ...input, artifact: isWhole ? artifact : undefined })) };
  },
});

/** The outcome of the checks with what a reviewer has found, recorded with the artifact where all checks of its type were made. */
async function withJudgement(
  host: HostWith<"contents">,
  { issues, criteria, figures, checks }: Validation,
  { artifact, ...input }: Omit<Judging, "criteria"> & { readonly artifact: Artifact | undefined },
) {
  const judged = criteria.map(({ key, question }) => ({ key, question }));
  const review = artifact && (await judgementFor(host, artifact, { ...input, criteria: judged }));
  const all = worstFirst([...(review === undefined ? [] : issuesOf(review)), ...issues]);
  const verdict = verdictOf(all);
  if (artifact) await recordWith(host, artifact, { verdict, figures: { ...figures }, agent: input.agent });
  return {
    passed: verdict === "passed",
    critical: verdict === "critical",
    ...issuesView(all),
    figures: { ...figures },
    checks: [...checks],
    criteria: judged,
    ...(review === undefined ? {} : { review: judgementView(review) }),
  };
}

interface Judging {
  readonly judge?: boolean | undefined;
  readonly reviewer_role?: string | undefined;
  readonly context?: z.output<typeof contextShape> | undefined;
  readonly criteria: readonly { readonly key: string; readonly question: string }[];
  readonly agent?: string | undefined;
}

/** The judgement of an artifact that there is; asked for, a new one where there is none. */
function judgementFor(
  host: HostWith<"contents">,
  artifact: Artifact,
  { judge, context, criteria, reviewer_role: role, agent }: Judging,
): Promise<Review | undefined> {
  if (judge !== true) return host.read(() => judgementOf(artifact));
  const { requirements, language } = context ?? {};
  const questions = [
    ...criteria.map(({ key, question }) => `${key}: ${question}`),
    ...(language === undefined ? [] : [`It is written in ${language}.`]),
    ...(requirements === undefined ? [] : [`It meets these requirements: ${requirements}`]),
  ];
  return host.transact(function* (ctx) {
    const { name } = yield* actingAgent(ctx, agent);
    return yield* requestJudgement(ctx, { artifact, criteria: questions, role, agent: name });
  }, "judgement");
}

function recordWith(
  host: HostWith<"contents">,
  artifact: Artifact,
  { agent, ...outcome }: ValidationOutcome & { readonly agent: string | undefined },
): Promise<void> {
  return host.transact(function* (ctx) {
    const { name } = yield* actingAgent(ctx, agent);
    yield* recordValidation(ctx, artifact, { ...outcome, agent: name });
  }, "verdict");
}

function nothingToJudge(): BatonError {
  const message =
    "judge: only an artifact that was put is judged, by all criteria of its own type: pass artifact, and leave type and criteria out. Nothing was asked.";
  return new BatonError("invalid_input", message, { details: { path: "judge" } });
}

function worstFirst<T extends { readonly severity: Severity }>(issues: readonly T[]): T[] {
  return issues.toSorted((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));
}

function verdictOf(issues: readonly { readonly severity: Severity }[]): ArtifactVerdict {
  const worst = issues.map(({ severity }) => severity);
  if (worst.includes("critical")) return "critical";
  return worst.includes("major") ? "failed" : "passed";
}

const UNREAD = {
  passed: true,
  critical: false,
  issues: [{ check: "text", severity: "info" as const, message: "This is no text; no check looks into it." }],
  figures: {},
  checks: [],
  criteria: [],
};

function tooLarge(bytes: number): BatonError {
  const message = `The artifact has ${bytes} bytes; at most ${BYTES_MAX} are looked through. Validate its parts.`;
  return new BatonError("limit_exceeded", message, { details: { bytes, max: BYTES_MAX } });
}

function requireKnown(criteria: readonly string[] | undefined, known: readonly string[]): void {
  const all = [...known, "topics"];
  const unknown = criteria?.find((name) => !all.includes(name));
  if (unknown === undefined) return;
  const message = `Unknown check "${unknown}"${hint(unknown, all)}. The checks are ${all.join(", ")}.`;
  throw new BatonError("invalid_input", message, { details: { path: "criteria", known: all } });
}

/** A mistyped type would pass with the checks of every text alone. An artifact may have a type of its own. */
function requireKnownType(type: string | undefined, known: readonly string[]): void {
  if (type === undefined || known.includes(type)) return;
  const all = [...new Set(known)];
  const message = `Unknown type "${type}"${hint(type, all)}. The types that are checked are ${all.join(", ")}. Nothing was validated; without type it goes by the name.`;
  throw new BatonError("invalid_input", message, { details: { path: "type", known: all } });
}

interface Validated {
  readonly artifact?: Artifact;
  readonly content: Content;
  readonly name: string;
  /** Where it lies on this machine, if it does. */
  readonly root?: string;
  readonly path?: string;
}

interface GivenSubject extends GivenContent, GivenPlace {
  readonly artifact?: string | undefined;
  readonly name?: string | undefined;
}

async function subjectOf(host: HostWith<"contents">, given: GivenSubject): Promise<Validated> {
  if (given.artifact === undefined) {
    const { content, path: at } = await readGiven(host, given, given);
    const root = at === undefined ? undefined : await host.read((ctx) => rootOf(ctx, given));
    return {
      content,
      name: given.name ?? at ?? "content",
      ...(at !== undefined && { path: at }),
      ...(root !== undefined && { root }),
    };
  }
  const reference = given.artifact;
  return host.read(function* (ctx) {
    const { run, project } = reference.startsWith("artifact_") ? {} : yield* placeWanted(ctx, given);
    const artifact = yield* requireArtifact({ artifact: reference, scope: run ?? project });
    const content = contentOf(yield* readContent(ctx, artifact.hash));
    const found = { artifact, content, name: artifact.name };
    if (artifact.path === null) return found;
    return { ...found, path: artifact.path, root: yield* rootOf(ctx, { project: artifact.project }) };
  });
}

const consistency = defineOperation({
  name: "check_consistency",
  title: "Check artifacts against each other",
  description:
    "Compares the newest artifacts of a run with each other: interfaces of a design that the code lacks, versions that differ, requirements that no test names. Returns the issues, and how many artifacts were compared.",
  area: "artifacts",
  effect: "read",
  aliases: ["check_cross_artifact_consistency"],
  words: ["cross-artifact", "traceability", "contradictions"],
  example: { run: "run_…" },
  input: z.object({ run: params.run }),
  output: z.object({ compared: z.int(), passed: z.boolean(), ...issuesShape }),
  async perform(host, input) {
    const { checkConsistency } = await import("../validation/consistency.js");
    const texts = await host.read(function* (ctx) {
      const run = yield* requireRun(input.run);
      return yield* newestOfRun(ctx, run.id, { count: CONSISTENT_MAX, bytes: BYTES_MAX });
    });
    const issues = checkConsistency(texts);
    return { compared: texts.length, passed: issues.length === 0, ...issuesView(issues) };
  },
});

export const validationOperations = [validate, consistency] as const;
