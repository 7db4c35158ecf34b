import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { useProject } from "../../page/project.js";
import { hrefOf, type Route } from "../../page/routes.js";
import { SEARCH_FIELD } from "../../page/search-key.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { wordOf } from "../../parts/status.js";
import { Ago } from "../../parts/time.js";
import { ListView } from "../lists/list-view.js";

type Found = ResultOf<"search">;
type Hit = Found["found"][number];

const GROUPS: readonly { readonly kind: Hit["kind"]; readonly title: string }[] = [
  { kind: "run", title: "Runs" },
  { kind: "task", title: "Tasks" },
  { kind: "question", title: "Questions" },
  { kind: "dead_letter", title: "Dead letters" },
  { kind: "message", title: "Messages" },
  { kind: "agent", title: "Agents" },
  { kind: "event", title: "History" },
];
const TEXT_CHARS_MIN = 2;
const TEXT_CHARS_MAX = 200;
/** A pause in the writing that is long enough to search. */
const PAUSE_MS = 200;

/** A search over the texts of all views. The arrow keys lead from the field through what was found. */
export function SearchView({ route }: { readonly route: Route }): ReactNode {
  const given = route.query.get("text") ?? "";
  const [written, setWritten] = useState(given);
  const text = usePaused(written.trim());
  const results = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // A reload and a shared link find the same; each letter is no step of the browser's way back.
    window.history.replaceState(undefined, "", hrefOf(["search"], { text: text === "" ? undefined : text }));
  }, [text]);
  return (
    <ListView title="Search">
      <div ref={results} onKeyDown={(event) => walk(event, results.current)}>
        <search className="search">
          <label className="search-field">
            <span>Words of a run, a task, a message, an error …</span>
            <input
              id={SEARCH_FIELD}
              type="search"
              autoFocus
              autoComplete="off"
              maxLength={TEXT_CHARS_MAX}
              value={written}
              onChange={(event) => setWritten(event.target.value)}
            />
          </label>
          <small className="keys">
            <kbd>↓</kbd> <kbd>↑</kbd> through what is found, <kbd>Enter</kbd> opens
          </small>
        </search>
        {text.length < TEXT_CHARS_MIN ? (
          <Nothing>Two letters are enough to begin with.</Nothing>
        ) : (
          <Results text={text} />
        )}
      </div>
    </ListView>
  );
}

function usePaused(written: string): string {
  const [text, setText] = useState(written);
  useEffect(() => {
    const timer = setTimeout(() => setText(written), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [written]);
  return text;
}

function Results({ text }: { readonly text: string }): ReactNode {
  const project = useProject();
  const query = useOperation("search", { text, ...project }, { staleTime: 0 });
  return (
    <Loaded query={query}>
      {({ found, more }) => (
        <>
          <p className="legend" role="status">
            {found.length === 0 ? "Nothing of the newest has these words." : `${found.length} found`}
          </p>
          {GROUPS.map(({ kind, title }) => (
            <Group
              key={kind}
              title={title}
              hits={found.filter((hit) => hit.kind === kind)}
              hasMore={more.includes(kind)}
            />
          ))}
        </>
      )}
    </Loaded>
  );
}

interface GroupProps {
  readonly title: string;
  readonly hits: readonly Hit[];
  readonly hasMore: boolean;
}

function Group({ title, hits, hasMore }: GroupProps): ReactNode {
  if (hits.length === 0) return undefined;
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <ul className="items hits">
        {hits.map((hit) => (
          <li key={hit.id}>
            <HitLink hit={hit} />
          </li>
        ))}
      </ul>
      {hasMore && <Nothing>There are more: further words find fewer.</Nothing>}
    </section>
  );
}

function HitLink({ hit }: { readonly hit: Hit }): ReactNode {
  const { title, excerpt, status, from, at, kind } = hit;
  return (
    <a href={hrefOfHit(hit)}>
      <span className="title">
        <Shown text={title} />
      </span>
      {excerpt !== undefined && (
        <span className="excerpt">
          <Shown text={excerpt} />
        </span>
      )}
      <small>
        {status !== undefined && `${wordOf(status)} · `}
        {from !== undefined && (
          <>
            {kind === "dead_letter" ? "closed by" : "by"} <Shown text={from} /> ·{" "}
          </>
        )}
        <Ago at={at} />
      </small>
    </a>
  );
}

const OPEN_STATUSES = new Set(["open", "pending", "paused"]);

/** The place where a hit is shown: what waits for a person at once, the rest where it happened. */
function hrefOfHit({ kind, id, run, task, status, title }: Hit): string {
  const isOpen = (kind === "question" || kind === "dead_letter") && OPEN_STATUSES.has(status ?? "");
  if (isOpen) return hrefOf(["needs-me", id]);
  if (kind === "agent") return hrefOf(["agents"]);
  if (kind === "message") return hrefOf(["messages"]);
  if (run !== undefined) return hrefOf(["run", run], { task });
  return hrefOf(["history"], { types: kind === "event" ? title : undefined });
}

/** Moves from the field through the links by arrows, and back by Escape. */
function walk(event: KeyboardEvent, results: HTMLElement | null): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (results === null || (step === undefined && event.key !== "Escape")) return;
  const stops = [...results.querySelectorAll<HTMLElement>(`#${SEARCH_FIELD}, .hits a`)];
  const at = stops.findIndex((stop) => stop === document.activeElement);
  const next = step === undefined ? stops[0] : stops[at + step];
  if (next === undefined || next === document.activeElement) return;
  event.preventDefault();
  next.focus();
}
