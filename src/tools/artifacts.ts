import { z } from "zod";
import { ARTIFACT_VERDICTS } from "../base/statuses.js";
import { actingAgent } from "../engine/agents/agents.js";
import { artifactView, requireArtifact, storeArtifact } from "../engine/artifacts/artifacts.js";
import type { EngineContext } from "../engine/context.js";
import type { Tx } from "../store/tx.js";
import { lockPlace, placeWanted } from "../engine/artifacts/places.js";
import { listArtifactPage, readPart } from "../engine/artifacts/reading.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { contentInput, readGiven, savedBeside, storedWith } from "./artifact-contents.js";

const artifactShape = z.object({
  id: z.string(),
  name: z.string(),
  version: z.int(),
  type: z.string(),
  hash: z.string(),
  bytes: z.int(),
  text: z.boolean(),
  project: z.string(),
  run: z.string().optional(),
  task: z.string().optional(),
  path: z.string().optional(),
  attempt: z.int().optional(),
  from: z.string(),
  created_at: shapes.instant,
  verdict: z.enum(ARTIFACT_VERDICTS).optional(),
  superseded: z.boolean().optional(),
});

const place = {
  task: params.task.optional(),
  run: params.run.optional().describe("Where no task is named. From execute_workflow or list_runs."),
  project: params.project,
} as const;

interface PutAnswer {
  readonly artifact: ReturnType<typeof artifactView>;
  readonly created: boolean;
}

const put = defineOperation({
  name: "put_artifact",
  title: "Put an artifact",
  description:
    "Stores a named output of a task, a run or the project: a text, base64 bytes, or a file of the project. Another content under the same name is its next version; the same content is stored once. Returns the artifact with its version and hash.",
  area: "artifacts",
  effect: "write",
  words: ["attach a file", "save an output", "upload", "deliverable"],
  example: { task: "task_…", name: "design.md", type: "architecture", content: "# Design\n…" },
  input: z.object({
    name: z.string().describe("Such as design.md. Counts versions within the run, else the project."),
    type: z
      .string()
      .optional()
      .describe("requirements, architecture, code, tests, security, openapi, … Default: by the name's ending."),
    ...contentInput,
    ...place,
    ...params.acting,
  }),
  output: z.object({ artifact: artifactShape, created: z.boolean() }),
  needs: ["contents"],
  async perform(host, input) {
    const earlier = await host.earlier<PutAnswer>("run");
    if (earlier !== undefined) return earlier;
    const read = await readGiven(host, input, input);
    const content = await savedBeside(host.contents, read.content);
    const store = function* (ctx: EngineContext): Tx<PutAnswer> {
      const { name: agent } = yield* actingAgent(ctx, input.agent);
      const { name, type } = input;
      const stored = yield* storeArtifact(ctx, yield* lockPlace(ctx, input), {
        name,
        type,
        content,
        path: read.path,
        agent,
      });
      return { artifact: artifactView(stored.artifact), created: stored.created };
    };
    return storedWith(host, [content], () => host.transact(store, "run"));
  },
});

const get = defineOperation({
  name: "get_artifact",
  title: "Get an artifact",
  description:
    "Returns an artifact with its content: text as it is, other bytes as base64, long ones in parts from offset. By id, or by name for the newest version in a run or project.",
  area: "artifacts",
  effect: "read",
  words: ["download", "read an output", "version of a document"],
  example: { artifact: "artifact_…" },
  input: z.object({
    artifact: z.string().min(1).max(300).describe("Id or name, from put_artifact or list_artifacts."),
    version: z.int().min(1).optional().describe("Of a name. Default: the newest."),
    run: place.run.describe("Where a name is looked for, from list_runs. Default: the project."),
    project: params.project,
    offset: z.int().min(0).optional(),
    include: z
      .array(z.enum(["content"]))
      .optional()
      .describe("[]: only what is known of it. Default: its content too."),
  }),
  output: z.object({
    artifact: artifactShape,
    content: z
      .object({
        encoding: z.enum(["utf8", "base64"]),
        offset: z.int(),
        text: z.string(),
        total: z.int(),
        next_offset: z.int().optional(),
      })
      .optional(),
  }),
  *run(ctx, input) {
    const isId = input.artifact.startsWith("artifact_");
    const { run, project } = isId ? {} : yield* placeWanted(ctx, input);
    const artifact = yield* requireArtifact({ ...input, scope: run ?? project });
    const content = input.include?.length === 0 ? undefined : yield* readPart(ctx, artifact, input.offset ?? 0);
    return { artifact: artifactView(artifact), ...(content && { content }) };
  },
});

const list = defineOperation({
  name: "list_artifacts",
  title: "List artifacts",
  description:
    "Lists artifacts, newest first, of a task, a run, or the project with its runs; every version of a name. Use it to find what other tasks have put down. Returns each with its version, hash and author.",
  area: "artifacts",
  effect: "read",
  words: ["outputs of a task", "deliverables", "versions"],
  example: { run: "run_…" },
  input: z.object({
    ...place,
    name: z.string().max(200).optional(),
    type: z.string().max(100).optional(),
    ...params.paging,
  }),
  output: z.object({ artifacts: z.array(artifactShape), ...shapes.nextPage }),
  *run(ctx, { task, run, project, ...filter }) {
    return yield* listArtifactPage({ ...filter, ...(yield* placeWanted(ctx, { task, run, project })) });
  },
});

export const artifactOperations = [put, get, list] as const;
