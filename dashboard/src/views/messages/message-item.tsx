import { type ReactNode, useState } from "react";
import { useAction } from "../../data/queries.js";
import { useSession } from "../../data/session.js";
import { hrefOf } from "../../page/routes.js";
import { Refusal } from "../../parts/loaded.js";
import { Json, Shown } from "../../parts/shown.js";
import { wordOf } from "../../parts/status.js";
import { Ago } from "../../parts/time.js";
import { addresseeText, mayReply } from "./addressee.js";
import type { Message } from "./messages.js";
import { Reply } from "./writing.js";

interface MessageItemProps {
  readonly project: string;
  readonly message: Message;
}

/** A message with the way to answer it, for readers who may. */
export function MessageItem({ project, message }: MessageItemProps): ReactNode {
  const { from, to, type, subject, body, data, at, unread } = message;
  return (
    <li className={unread ? "is-unread" : ""}>
      <p className="facts">
        <span className="way">
          <b>
            <Shown text={from} />
          </b>{" "}
          to{" "}
          <b>
            <Shown text={addresseeText(to)} />
          </b>
        </span>
        {type !== "inform" && <span>{wordOf(type)}</span>}
        <About message={message} />
        <Ago at={at} />
      </p>
      {subject !== undefined && (
        <p className="subject">
          <Shown text={subject} />
        </p>
      )}
      <p className="prose">
        <Shown text={body} />
      </p>
      {data !== undefined && (
        <details>
          <summary>Data</summary>
          <Json data={data} />
        </details>
      )}
      <MessageActions project={project} message={message} />
    </li>
  );
}

function About({ message: { task, run, task_title: title } }: { readonly message: Message }): ReactNode {
  if (run === undefined) return undefined;
  return (
    <a href={hrefOf(["run", run], { task })}>
      {title === undefined ? (
        "about a run"
      ) : (
        <>
          about “<Shown text={title} />”
        </>
      )}
    </a>
  );
}

function MessageActions({ project, message }: MessageItemProps): ReactNode {
  const session = useSession();
  const [isReplying, setReplying] = useState(false);
  const acknowledge = useAction("read_messages");
  if (session?.is_person !== true || !mayReply(message, session.name ?? "")) return undefined;
  const { id, unread, from } = message;
  return (
    <>
      {isReplying ? (
        <Reply project={project} to={from} replyTo={id} onDone={() => setReplying(false)} />
      ) : (
        <p className="buttons">
          <button type="button" className="quiet" onClick={() => setReplying(true)}>
            Reply
          </button>
          {unread && (
            <button
              type="button"
              className="quiet"
              disabled={acknowledge.isPending}
              onClick={() => acknowledge.mutate({ project, ack: [id], limit: 1 })}
            >
              Mark as read
            </button>
          )}
        </p>
      )}
      {acknowledge.error !== null && <Refusal problem={acknowledge.error} />}
    </>
  );
}
