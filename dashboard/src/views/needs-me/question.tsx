import { type ReactNode, useState } from "react";
import type { InputOf } from "../../data/client.js";
import { useAction } from "../../data/queries.js";
import { hrefOf } from "../../page/routes.js";
import { Refusal } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { Ago } from "../../parts/time.js";
import { AnswerFields, answersFrom } from "./answer-fields.js";
import { PersonNeeded } from "./person-needed.js";
import { isReview, type Question } from "./items.js";
import { ReviewDetail } from "./review.js";

type Decision = Omit<InputOf<"decide_escalation">, "id">;

export interface Deciding {
  readonly decide: (decision: Decision) => void;
  readonly isPending: boolean;
  readonly refusal: ReactNode;
}

/** Decides a question: an approval by its own operation, all others by one. */
export function useDeciding({ id, type, token }: Question): Deciding {
  const escalation = useAction("decide_escalation");
  const approval = useAction("decide_approval");
  const { isPending, error } = type === "approval" ? approval : escalation;
  const decide = ({ decision, conditions, note, ...rest }: Decision) => {
    const words = { ...(conditions && { conditions }), ...(note !== undefined && { note }) };
    if (type === "approval" && decision !== "deferred") approval.mutate({ approval: id, decision, ...words });
    else escalation.mutate({ id, decision, ...words, ...rest, ...(token !== undefined && { token }) });
  };
  return { decide, isPending, refusal: error === null ? undefined : <Refusal problem={error} /> };
}

/** A question with all that is known of it, and its answer. */
export function QuestionDetail({ question }: { readonly question: Question }): ReactNode {
  if (isReview(question)) return <ReviewDetail question={question} />;
  const { ask, details, from, asked_at: at, task, about, run = task?.run } = question;
  return (
    <>
      <h2>
        <Shown text={ask} />
      </h2>
      <p className="facts">
        {from !== undefined && (
          <span>
            asked by <Shown text={from} />
          </span>
        )}
        <Ago at={at} />
        {run !== undefined && <a href={hrefOf(["run", run], { task: about ?? task?.id })}>Open the run</a>}
        {question.due_at !== undefined && (
          <span>
            {question.default_decision} <Ago at={question.due_at} /> without an answer
          </span>
        )}
      </p>
      {details !== undefined && (
        <p className="prose">
          <Shown text={details} />
        </p>
      )}
      <DecisionForm question={question} />
    </>
  );
}

function DecisionForm({ question }: { readonly question: Question }): ReactNode {
  const { decide, isPending, refusal } = useDeciding(question);
  const [conditions, setConditions] = useState("");
  const [note, setNote] = useState("");
  const { form, type } = question;
  const submit = (decision: Decision["decision"], fields?: HTMLFormElement | null) => {
    const answers =
      form !== undefined && fields && decision !== "rejected" ? answersFrom(form, new FormData(fields)) : undefined;
    const lines = conditions.split("\n").filter((line) => line.trim() !== "");
    decide({
      decision: decision === "approved" && lines.length > 0 ? "approved_with_conditions" : decision,
      ...(lines.length > 0 && decision === "approved" && { conditions: lines }),
      ...(note !== "" && { note }),
      ...(answers && { answers }),
    });
  };
  return (
    <form
      className="decision"
      onSubmit={(event) => {
        event.preventDefault();
        submit("approved", event.currentTarget);
      }}
    >
      {form !== undefined && <AnswerFields form={form} />}
      {form === undefined && (
        <label>
          Conditions, one a line
          <textarea rows={2} value={conditions} onChange={(event) => setConditions(event.target.value)} />
        </label>
      )}
      <label>
        Note
        <textarea rows={2} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      {refusal}
      <PersonNeeded />
      <p className="buttons">
        <button className="first" disabled={isPending}>
          {form !== undefined ? "Answer" : conditions.trim() === "" ? "Approve" : "Approve with conditions"}
        </button>
        <button type="button" disabled={isPending} onClick={() => submit("rejected")}>
          Reject
        </button>
        {type !== "approval" && (
          <button type="button" disabled={isPending} onClick={() => submit("deferred")}>
            Not now
          </button>
        )}
      </p>
    </form>
  );
}
