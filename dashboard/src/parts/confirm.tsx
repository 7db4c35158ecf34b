import { type ReactNode, useId, useRef } from "react";

interface ConfirmedProps {
  /** The button's word, and the one that confirms. */
  readonly word: string;
  /** The question, which names what it is about. */
  readonly question: ReactNode;
  /** The consequences: the loss, and the rest that stays. */
  readonly children: ReactNode;
  readonly isDisabled: boolean;
  readonly onConfirm: () => void;
}

/** A button for what cannot be taken back: it asks first. The dialog keeps the focus until it closes, then gives it back. */
export function Confirmed({ word, question, children, isDisabled, onConfirm }: ConfirmedProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  return (
    <>
      <button type="button" disabled={isDisabled} onClick={() => dialog.current?.showModal()}>
        {word}
      </button>
      <dialog ref={dialog} aria-labelledby={title}>
        <h2 id={title}>{question}</h2>
        <p>{children}</p>
        <form method="dialog" className="buttons">
          <button>Keep it</button>
          <button className="danger" onClick={onConfirm}>
            {word}
          </button>
        </form>
      </dialog>
    </>
  );
}
