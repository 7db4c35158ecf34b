import { isDeepStrictEqual } from "node:util";
import { withPresentNames } from "../../base/settings.js";
import { appendEvents } from "../../store/events/events.js";
import * as projects from "../../store/projects/projects.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { parseProjectConfig } from "./config.js";
import type { RootPlace } from "./creation.js";
import { changeRoot, type ProjectChange } from "./moves.js";
import { requireOwnApproval, requireOwnRetention } from "./retention.js";
import { archived, lockedProject, type Project, textOrNull } from "./projects.js";

export interface UpdateProject {
  readonly project: string;
  /** Null or empty: none. */
  readonly description?: string | null | undefined;
  /** Where its directory is now. */
  readonly root?: RootPlace | undefined;
  /** The whole configuration, or only some of its keys; a key that is null goes back to its default. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

/** Changes what is given, checks the configuration as a whole, and says what is different now. */
export function* updateProject(
  ctx: EngineContext,
  input: UpdateProject,
): Tx<{ project: Project; changed: ProjectChange[] }> {
  const project = yield* lockedProject(ctx, input.project);
  if (project.status === "archived") throw archived(project);
  const merged = Object.entries({ ...project.config, ...withPresentNames(input.config ?? {}) }).filter(
    ([, value]) => value !== null,
  );
  const config = parseProjectConfig(Object.fromEntries(merged));
  const description = input.description === undefined ? project.description : textOrNull(input.description);
  const moved = input.root === undefined ? [] : yield* changeRoot(ctx, project, input.root);
  const changed = [
    ...changesOf("config.", { ...project.config }, { ...config }),
    ...changesOf("", { description: project.description }, { description }),
  ];
  const root = input.root?.path ?? project.root;
  const author = description === null ? null : ctx.caller.agent;
  const describedBy = description === project.description ? project.describedBy : author;
  const current = { ...project, root, description, describedBy, config };
  if (changed.length === 0) return { project: current, changed: moved };
  if (config.retention_days !== project.config.retention_days) requireOwnRetention(ctx, project.name);
  if (project.config.require_lead_approval === true && config.require_lead_approval !== true)
    requireOwnApproval(ctx, project.name);
  yield* projects.saveProjectText(ctx, current);
  yield* appendEvents(ctx, [
    { type: "project.updated", project: project.id, agent: ctx.caller.agent, data: { changed } },
  ]);
  return { project: { ...current, updatedAt: ctx.now }, changed: [...moved, ...changed] };
}

type Values = Readonly<Record<string, unknown>>;

function changesOf(prefix: string, before: Values, after: Values): ProjectChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => ({ name: `${prefix}${name}`, from: before[name] ?? null, to: after[name] ?? null }));
}
