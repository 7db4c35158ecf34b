import { type ReactNode, useState } from "react";
import { useOperation } from "../../data/queries.js";
import { hrefOf } from "../../page/routes.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { Ago } from "../../parts/time.js";
import type { Comments } from "./comments.js";
import { readDiff } from "./diff.js";
import { DiffView } from "./diff-view.js";
import type { Question } from "./items.js";
import { PersonNeeded } from "./person-needed.js";
import { useDeciding } from "./question.js";

/** A review that a person gives: the diff with comments on its lines, which go back to the author as conditions. */
export function ReviewDetail({ question }: { readonly question: Question }): ReactNode {
  const { task, asked_at: at } = question;
  const project = useOperation("get_task", { task: task?.id ?? "" }).data?.task.project;
  const reviews = useOperation("get_supervision", project === undefined ? {} : { project }, {
    enabled: project !== undefined,
  });
  return (
    <Loaded query={reviews}>
      {(supervision) => {
        const review = supervision.reviews.find(({ id }) => id === question.id);
        return (
          <>
            <h2>
              Does “<Shown text={review?.key ?? task?.title ?? ""} />” stand?
            </h2>
            <p className="facts">
              {review?.author !== undefined && (
                <span>
                  by <Shown text={review.author} />
                </span>
              )}
              {review !== undefined && review.round > 1 && <span>round {review.round}</span>}
              <Ago at={at} />
              {task !== undefined && <a href={hrefOf(["run", task.run], { task: review?.task })}>Open the run</a>}
            </p>
            <Verdict question={question} diff={review?.diff} noDiff={review?.no_diff} />
          </>
        );
      }}
    </Loaded>
  );
}

interface VerdictProps {
  readonly question: Question;
  /** The artifact that has the diff. */
  readonly diff: string | undefined;
  readonly noDiff: string | undefined;
}

function Verdict({ question, diff, noDiff }: VerdictProps): ReactNode {
  const { decide, isPending, refusal } = useDeciding(question);
  const [comments, setComments] = useState<Comments>(() => new Map());
  const [note, setNote] = useState("");
  const words = note === "" ? {} : { note };
  const revise = () => {
    const conditions = [...comments].map(([place, text]) => `${place}: ${text}`);
    decide({ decision: "approved_with_conditions", conditions: conditions.length > 0 ? conditions : [note], ...words });
  };
  const hasReason = comments.size > 0 || note.trim() !== "";
  return (
    <>
      {diff === undefined ? (
        <Nothing>There is no diff{noDiff === undefined ? "" : `: ${noDiff}`}.</Nothing>
      ) : (
        <ArtifactDiff artifact={diff} comments={comments} onComments={setComments} />
      )}
      <form className="decision" onSubmit={(event) => event.preventDefault()}>
        <label>
          Critique
          <textarea rows={2} value={note} onChange={(event) => setNote(event.target.value)} />
        </label>
        {refusal}
        <PersonNeeded />
        <p className="buttons">
          <button
            type="button"
            className={comments.size > 0 ? "" : "first"}
            disabled={isPending || comments.size > 0}
            onClick={() => decide({ decision: "approved", ...words })}
          >
            Approve
          </button>
          <button
            type="button"
            className={comments.size > 0 ? "first" : ""}
            disabled={isPending || !hasReason}
            onClick={revise}
          >
            Ask for changes{comments.size > 0 ? ` (${comments.size})` : ""}
          </button>
          <button type="button" disabled={isPending} onClick={() => decide({ decision: "rejected", ...words })}>
            Reject
          </button>
        </p>
      </form>
    </>
  );
}

interface ArtifactDiffProps {
  readonly artifact: string;
  readonly comments: Comments;
  readonly onComments: (comments: Comments) => void;
}

function ArtifactDiff({ artifact, ...rest }: ArtifactDiffProps): ReactNode {
  const query = useOperation("get_artifact", { artifact });
  return (
    <Loaded query={query}>
      {({ content }) => (
        <>
          <DiffView files={readDiff(content?.text ?? "")} {...rest} />
          {content?.next_offset !== undefined && (
            <Nothing>
              {content.next_offset} of {content.total} characters are shown; all of it: baton artifacts get {artifact}
            </Nothing>
          )}
        </>
      )}
    </Loaded>
  );
}
