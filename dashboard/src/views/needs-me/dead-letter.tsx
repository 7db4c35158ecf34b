import { type ReactNode, useState } from "react";
import { useAction, useOperation } from "../../data/queries.js";
import { hrefOf } from "../../page/routes.js";
import { Loaded, Refusal } from "../../parts/loaded.js";
import { HiddenIn, Shown } from "../../parts/shown.js";
import { Ago, duration } from "../../parts/time.js";
import type { DeadLetter } from "./items.js";

/** A task that failed for good: its error, every attempt, and what can be done. */
export function DeadLetterDetail({ deadLetter }: { readonly deadLetter: DeadLetter }): ReactNode {
  const { id, task, error, created_at: at } = deadLetter;
  const query = useOperation("get_dead_letter", { id });
  return (
    <>
      <h2>
        “<Shown text={task.title} />” failed
      </h2>
      <p className="facts">
        <span>
          <Shown text={error.type} />
        </span>
        {task.agent !== undefined && (
          <span>
            held by <Shown text={task.agent} />
          </span>
        )}
        <Ago at={at} />
        <a href={hrefOf(["run", task.run], { task: task.id })}>Open the run</a>
      </p>
      <pre className="error">
        <Shown text={error.message} />
      </pre>
      {error.stack !== undefined && (
        <details>
          <summary>Stack</summary>
          <pre>
            <Shown text={error.stack} />
          </pre>
        </details>
      )}
      <Loaded query={query}>
        {({ attempts, context, blocked }) => (
          <>
            <p>
              {attempts.length} {attempts.length === 1 ? "attempt" : "attempts"}:{" "}
              {attempts.map(({ number, agent, outcome, duration_ms: ms }) => (
                <span key={number} className="attempt">
                  <Shown text={`${outcome} by ${agent}`} /> after {duration(ms)}
                </span>
              ))}
              {blocked.length > 0 && ` ${blocked.length} tasks wait for it.`}
            </p>
            <Replay id={id} prompt={context.prompt} />
          </>
        )}
      </Loaded>
    </>
  );
}

interface ReplayProps {
  readonly id: string;
  readonly prompt: string | undefined;
}

function Replay({ id, prompt = "" }: ReplayProps): ReactNode {
  const replay = useAction("replay_dead_letter");
  const resolve = useAction("resolve_dead_letter");
  const discard = useAction("discard_dead_letter");
  const [text, setText] = useState(prompt);
  const [notes, setNotes] = useState("");
  const words = notes === "" ? {} : { notes };
  const isPending = [replay, resolve, discard].some((action) => action.isPending);
  const error = replay.error ?? resolve.error ?? discard.error;
  return (
    <form
      className="decision"
      onSubmit={(event) => {
        event.preventDefault();
        replay.mutate({ id, ...words, ...(text !== prompt && { changes: { prompt: text } }) });
      }}
    >
      {prompt !== "" && (
        <label>
          Prompt of the next attempt
          <textarea rows={4} value={text} onChange={(event) => setText(event.target.value)} />
        </label>
      )}
      <HiddenIn text={prompt} />
      <label>
        Notes
        <textarea rows={2} value={notes} onChange={(event) => setNotes(event.target.value)} />
      </label>
      {error !== null && <Refusal problem={error} />}
      <p className="buttons">
        <button className="first" disabled={isPending}>
          Replay
        </button>
        <button type="button" disabled={isPending || notes === ""} onClick={() => resolve.mutate({ id, notes })}>
          Done elsewhere
        </button>
        <button type="button" disabled={isPending || notes === ""} onClick={() => discard.mutate({ id, notes })}>
          Discard
        </button>
      </p>
    </form>
  );
}
