import { type ReactNode, useRef } from "react";
import { useOperation } from "../../data/queries.js";
import { useFocusWithin } from "../../page/focus.js";
import { goTo } from "../../page/routes.js";
import { Loaded } from "../../parts/loaded.js";
import { Json, Shown } from "../../parts/shown.js";
import { TaskState } from "../../parts/status.js";
import { Ago, duration } from "../../parts/time.js";

interface TaskDetailProps {
  readonly task: string;
  /** The address of the run without the task. */
  readonly closeHref: string;
}

/** One task beside the run: how it stands and why, its attempts, its prompt and its result. */
export function TaskDetail({ task, closeHref }: TaskDetailProps): ReactNode {
  const query = useOperation("get_task", { task, include: ["attempts", "result"] });
  const article = useRef<HTMLElement>(null);
  useFocusWithin(article, true);
  return (
    <article
      ref={article}
      className="chosen task-detail"
      aria-label="Task"
      tabIndex={-1}
      onKeyDown={(event) => event.key === "Escape" && goTo(closeHref)}
    >
      <p className="path">
        <a href={closeHref}>Close</a>
      </p>
      <Loaded query={query}>
        {({ task: shown, attempts = [], spec, result, lease }) => (
          <>
            <h2>
              <Shown text={shown.title} />
            </h2>
            <p className="facts">
              <TaskState status={shown.status} />
              <span>
                <Shown text={shown.key} />
              </span>
              {shown.agent !== undefined && (
                <span>
                  <Shown text={shown.agent} />
                </span>
              )}
              {shown.percent !== undefined && <span>{shown.percent} %</span>}
              {lease !== undefined && (
                <span>
                  lease ends <Ago at={lease.expires_at} />
                </span>
              )}
              {shown.ready_at !== null && shown.started_at !== null && (
                <span>waited {duration(Date.parse(shown.started_at) - Date.parse(shown.ready_at))}</span>
              )}
            </p>
            <ul className="plain">
              {(shown.reasons ?? []).map(({ kind, detail }) => (
                <li key={kind + detail}>
                  <Shown text={detail} />
                </li>
              ))}
            </ul>
            <Attempts attempts={attempts} />
            <Texts prompt={spec["prompt"]} result={result} />
          </>
        )}
      </Loaded>
    </article>
  );
}

interface Attempt {
  readonly number: number;
  readonly agent: string;
  readonly outcome: string;
  readonly duration_ms: number;
  readonly error?: { readonly message: string };
}

function Attempts({ attempts }: { readonly attempts: readonly Attempt[] }): ReactNode {
  if (attempts.length === 0) return undefined;
  return (
    <ol className="attempts">
      {attempts.map(({ number, agent, outcome, duration_ms: ms, error }) => (
        <li key={number}>
          {outcome.replaceAll("_", " ")} by <Shown text={agent} /> after {duration(ms)}
          {error !== undefined && (
            <pre className="error">
              <Shown text={error.message} />
            </pre>
          )}
        </li>
      ))}
    </ol>
  );
}

/** The prompt and the result, as far as there are any. */
function Texts({ prompt, result }: { readonly prompt: unknown; readonly result: unknown }): ReactNode {
  return (
    <>
      {typeof prompt === "string" && (
        <details open>
          <summary>Prompt</summary>
          <p className="prose">
            <Shown text={prompt} />
          </p>
        </details>
      )}
      {result !== undefined && result !== null && (
        <details open>
          <summary>Result</summary>
          <Json data={result} />
        </details>
      )}
    </>
  );
}
