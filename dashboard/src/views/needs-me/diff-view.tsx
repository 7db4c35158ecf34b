import { type ReactNode, useState } from "react";
import { Shown, shownLabel } from "../../parts/shown.js";
import { type Comments, withComment } from "./comments.js";
import type { DiffLine, FileDiff } from "./diff.js";

interface Commenting {
  readonly comments: Comments;
  readonly onComments: (comments: Comments) => void;
}

/** A diff by its files. A line's number is a button that opens a comment on it. */
export function DiffView({ files, ...commenting }: Commenting & { readonly files: readonly FileDiff[] }): ReactNode {
  return files.map(({ path, added, removed, hunks }) => (
    <details key={path} className="file-diff" open>
      <summary>
        <Shown text={path} />
        <span className="tone-good">+{added}</span> <span className="tone-bad">−{removed}</span>
      </summary>
      <div className="diff-lines">
        {hunks.map(({ head, lines }) => (
          <div key={head}>
            <p className="hunk">
              <Shown text={head} />
            </p>
            {lines.map((line) => (
              <Line key={`${line.kind}${line.line}`} path={path} line={line} {...commenting} />
            ))}
          </div>
        ))}
      </div>
    </details>
  ));
}

interface LineProps extends Commenting {
  readonly path: string;
  readonly line: DiffLine;
}

const MARKS = { same: " ", added: "+", removed: "−" } as const;

function Line({ path, line: { kind, text, line }, comments, onComments }: LineProps): ReactNode {
  const place = `${path}:${line}${kind === "removed" ? " (removed)" : ""}`;
  const comment = comments.get(place);
  const [isOpen, setOpen] = useState(comment !== undefined);
  return (
    <>
      <div className={`line is-${kind}`}>
        <button
          type="button"
          aria-expanded={isOpen}
          aria-label={shownLabel(`Comment on ${place}`)}
          onClick={() => setOpen(!isOpen)}
        >
          {line}
        </button>
        <code>
          {MARKS[kind]}
          <Shown text={text} />
        </code>
      </div>
      {isOpen && (
        <textarea
          className="comment"
          aria-label={shownLabel(`Comment on ${place}`)}
          rows={2}
          autoFocus
          defaultValue={comment}
          onChange={(event) => onComments(withComment(comments, place, event.target.value))}
        />
      )}
    </>
  );
}
