import { normalisePath, overlaps, type PathPattern } from "../../../src/engine/paths/paths.js";
import type { Finding } from "./checker.js";
import type { EventRow, Snapshot } from "./snapshot.js";

/** A lock as the history tells of it. */
export interface HeldPath {
  readonly path: string;
  readonly mode: string;
  readonly token: number;
}

/** The locks that an event of a grant, a release or a break names. */
export function pathsOf(data: EventRow["data"]): readonly HeldPath[] {
  return (data["locks"] ?? []) as readonly HeldPath[];
}

interface Held extends HeldPath {
  readonly agent: string | null;
  readonly task: string | null;
  readonly pattern: PathPattern;
}

interface ProjectLocks {
  readonly held: Map<number, Held>;
  highest: number;
}

/** Walks the history of every project's locks, and holds what is left against the rows and against who lives. */
export function lockFindings(snapshot: Snapshot, over: boolean): Finding[] {
  const findings: Finding[] = [];
  const projects = new Map<string, ProjectLocks>();
  for (const event of snapshot.events) {
    const { project, type, data } = event;
    if (project === null || !type.startsWith("lock.")) continue;
    const locks = projects.get(project) ?? { held: new Map<number, Held>(), highest: 0 };
    projects.set(project, locks);
    if (type === "lock.granted") {
      for (const detail of grant(snapshot, locks, event))
        findings.push({ invariant: "locks_apart", subject: project, detail });
    }
    if (type !== "lock.released" && type !== "lock.broken") continue;
    for (const { token, path } of pathsOf(data)) {
      if (locks.held.delete(token)) continue;
      findings.push({
        invariant: "locks_apart",
        subject: project,
        detail: `${type} of ${path} under ${token}, which nobody held (event ${event.seq})`,
      });
    }
  }
  return [...findings, ...rowFindings(snapshot, projects), ...livingFindings(snapshot, over)];
}

function grant(snapshot: Snapshot, locks: ProjectLocks, event: EventRow): string[] {
  const wrong: string[] = [];
  for (const lock of pathsOf(event.data)) {
    const space = { root: null, caseInsensitive: snapshot.projects.get(event.project ?? "")?.caseInsensitive ?? false };
    const taken: Held = { ...lock, agent: event.agent, task: event.task, pattern: normalisePath(space, lock.path) };
    const upgraded = event.data["upgraded"] === true;
    if (upgraded !== locks.held.has(lock.token) || (!upgraded && lock.token <= locks.highest)) {
      wrong.push(`${lock.path} granted under token ${lock.token} after ${locks.highest} (event ${event.seq})`);
    }
    for (const other of locks.held.values()) {
      if (other.token === lock.token || !excludes(taken, other)) continue;
      wrong.push(`${taken.path} of ${partyOf(taken)} beside ${other.path} of ${partyOf(other)} (event ${event.seq})`);
    }
    locks.held.set(lock.token, taken);
    locks.highest = Math.max(locks.highest, lock.token);
  }
  return wrong;
}

/** An agent's own locks stand beside each other, unless they are for different tasks. */
function excludes(a: Held, b: Held): boolean {
  if (a.mode === "intent" || b.mode === "intent") return false;
  if (a.mode === "shared" && b.mode === "shared") return false;
  if (a.agent === b.agent && (a.task === b.task || a.task === null || b.task === null)) return false;
  return overlaps(a.pattern, b.pattern);
}

function partyOf({ agent, task }: Held): string {
  return `${agent ?? "nobody"}${task === null ? "" : ` for ${task}`}`;
}

function rowFindings({ locks }: Snapshot, projects: ReadonlyMap<string, ProjectLocks>): Finding[] {
  const rows = locks.filter(({ state }) => state === "held");
  const stored = new Set(rows.map(({ project, token }) => `${project} ${token}`));
  const told = [...projects].flatMap(([project, { held }]) => [...held.keys()].map((token) => `${project} ${token}`));
  const known = new Set(told);
  return [
    ...told.filter((lock) => !stored.has(lock)).map((lock) => `${lock} is held by the history and not by a row`),
    ...[...stored].filter((lock) => !known.has(lock)).map((lock) => `${lock} is held by a row and not by the history`),
  ].map((detail) => ({ invariant: "locks_apart", subject: "file_locks", detail }));
}

function livingFindings({ locks, tasks, sessions, requests, unregistered, at }: Snapshot, over: boolean): Finding[] {
  const findings = locks.flatMap((lock): Finding[] => {
    const dead = (detail: string): Finding[] => [
      {
        invariant: "locks_of_living",
        subject: lock.id,
        detail: `${lock.path} ${lock.state} for ${lock.agent}: ${detail}`,
      },
    ];
    if (over) return dead("all is over");
    if (lock.task === null && unregistered.has(lock.agent)) return dead("the agent was unregistered");
    if (lock.state !== "held") return requests.has(lock.request) ? [] : dead(`the request ${lock.request} is gone`);
    if (lock.task === null) {
      const session = lock.session === null ? undefined : sessions.get(lock.session);
      return session?.endedAt === undefined || session.endedAt === null ? [] : dead(`its session ended, it is ${at}`);
    }
    const task = tasks.get(lock.task);
    if (task?.status !== "running" || task.agent !== lock.agent) return dead(`its task is ${task?.status ?? "gone"}`);
    return task.holdsFiles ? [] : dead("its task does not know that it holds files");
  });
  const running = [...tasks.values()].filter(({ status }) => status === "running");
  const orphans = running.filter(({ session }) => session !== null && sessions.get(session)?.endedAt !== null);
  return [
    ...findings,
    ...orphans.map(({ id, session }) => ({
      invariant: "locks_of_living" as const,
      subject: id,
      detail: `running under the session ${session ?? ""}, which has ended`,
    })),
  ];
}
