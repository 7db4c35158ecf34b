import { type ReactNode, useRef, useState } from "react";
import type { Problem } from "../data/client.js";
import { signIn, signOut, useSession } from "../data/session.js";
import { Refusal } from "../parts/loaded.js";
import { Shown } from "../parts/shown.js";

/** The person that the page acts as, and the way to be another. */
export function Identity(): ReactNode {
  const session = useSession();
  const dialog = useRef<HTMLDialogElement>(null);
  if (session === undefined) return undefined;
  return (
    <>
      <button type="button" className="quiet" onClick={() => dialog.current?.showModal()}>
        {session.is_person ? <Shown text={session.name ?? "signed in"} /> : "Sign in"}
      </button>
      <dialog ref={dialog} aria-labelledby="identity">
        <h2 id="identity">{session.is_person ? "Signed in" : "Sign in"}</h2>
        {session.is_person ? <SignOut name={session.name} /> : <SignIn />}
        <form method="dialog">
          <button>Close</button>
        </form>
      </dialog>
    </>
  );
}

function SignOut({ name = "" }: { readonly name: string | undefined }): ReactNode {
  const [problem, setProblem] = useState<Problem>();
  return (
    <>
      <p>
        You decide as <Shown text={name} />.
      </p>
      <button
        type="button"
        onClick={() => {
          setProblem(undefined);
          signOut().catch((error: unknown) => setProblem(error as Problem));
        }}
      >
        Sign out
      </button>
      {problem !== undefined && <Refusal problem={problem} />}
    </>
  );
}

/** Signs in by a person's token; on one's own machine the link that the server printed does it without. */
export function SignIn(): ReactNode {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<Problem>();
  return (
    <form
      className="decision"
      onSubmit={(event) => {
        event.preventDefault();
        setProblem(undefined);
        signIn(token.trim()).catch((error: unknown) => setProblem(error as Problem));
      }}
    >
      <p>
        Follow the link that <code>baton serve</code> printed at your terminal, or paste a token of{" "}
        <code>baton token create --role human</code>.
      </p>
      <label>
        Token
        <input
          type="password"
          autoComplete="off"
          required
          value={token}
          onChange={(event) => setToken(event.target.value)}
        />
      </label>
      {problem !== undefined && <Refusal problem={problem} />}
      <p className="buttons">
        <button className="first">Sign in</button>
      </p>
    </form>
  );
}
