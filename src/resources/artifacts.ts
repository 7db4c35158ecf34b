import { artifactView, requireArtifact } from "../engine/artifacts/artifacts.js";
import { readPart } from "../engine/artifacts/reading.js";
import { suggestArtifacts } from "../engine/system/completions.js";
import { type ResourceTemplate } from "./resource.js";

export const artifact: ResourceTemplate = {
  uriTemplate: "baton://artifacts/{id}",
  name: "artifact",
  title: "Artifact",
  description:
    "An artifact with its content, by its id: text as it is, other bytes as base64; of a long one the beginning, which get_artifact reads on from next_offset.",
  *read(ctx, id) {
    const found = yield* requireArtifact({ artifact: id });
    return { artifact: artifactView(found), content: yield* readPart(ctx, found, 0) };
  },
  complete: suggestArtifacts,
  // An artifact never changes; that its run was taken back to a checkpoint is the only news of it.
  changedBy: () => null,
  *follow(_, id) {
    return [(yield* requireArtifact({ artifact: id })).id];
  },
};
