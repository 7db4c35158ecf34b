import { type ReactNode, useRef, useState } from "react";
import { useAction } from "../../data/queries.js";
import { useSession } from "../../data/session.js";
import { Refusal } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";

interface ReplyProps {
  readonly project: string;
  readonly to: string;
  /** Id of the message. */
  readonly replyTo: string;
  readonly onDone: () => void;
}

export function Reply({ project, to, replyTo, onDone }: ReplyProps): ReactNode {
  const [body, setBody] = useState("");
  const send = useAction("send_message");
  return (
    <form
      className="decision"
      onSubmit={(event) => {
        event.preventDefault();
        // A refusal is shown below, with what was written still there.
        void send.mutateAsync({ project, reply_to: replyTo, body }).then(onDone, () => undefined);
      }}
    >
      <label>
        <span>
          Reply to <Shown text={to} />
        </span>
        <textarea rows={3} required autoFocus value={body} onChange={(event) => setBody(event.target.value)} />
      </label>
      {send.error !== null && <Refusal problem={send.error} />}
      <p className="buttons">
        <button className="first" disabled={send.isPending}>
          Send
        </button>
        <button type="button" onClick={onDone}>
          Cancel
        </button>
      </p>
    </form>
  );
}

/** A message that begins a conversation. Its dialog is there for a person who has signed in. */
export function NewMessage({ project }: { readonly project: string }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const send = useAction("send_message");
  if (useSession()?.is_person !== true) return undefined;
  const submit = (event: { preventDefault(): void; currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const [to, body] = [fields.get("to"), fields.get("body")];
    if (typeof to !== "string" || typeof body !== "string") return;
    const reset = () => {
      form.reset();
      dialog.current?.close();
    };
    void send.mutateAsync({ project, to, body }).then(reset, () => undefined);
  };
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        Write a message
      </button>
      <dialog ref={dialog} aria-labelledby={`write-${project}`}>
        <h2 id={`write-${project}`}>Write a message</h2>
        <form className="decision" onSubmit={submit}>
          <label>
            To
            <input name="to" required placeholder="an agent, role:NAME, #CHANNEL or all" />
          </label>
          <label>
            Message
            <textarea name="body" rows={4} required />
          </label>
          {send.error !== null && <Refusal problem={send.error} />}
          <p className="buttons">
            <button className="first" disabled={send.isPending}>
              Send
            </button>
            <button type="button" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </p>
        </form>
      </dialog>
    </>
  );
}
