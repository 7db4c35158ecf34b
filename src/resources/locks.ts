import { listLocksOfAll } from "../engine/locks/locks.js";
import { type FixedResource, LISTED_MAX } from "./resource.js";

export const locks: FixedResource = {
  uri: "baton://locks",
  name: "locks",
  title: "File locks",
  description:
    "File locks by project: the files, their holder, the agents that wait, and until when. The first 200 of all projects; list_file_locks pages those of one.",
  read: (ctx) => listLocksOfAll(ctx, LISTED_MAX),
  changedBy: (change) => change.type.startsWith("lock."),
};
