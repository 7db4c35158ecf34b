import type { ReactNode } from "react";
import { shownText } from "../../../src/base/texts/shown-characters.js";

/** Text of an agent or a person: characters that hide or turn the reading direction are marked. Everything stored is shown through here. */
export function Shown({ text }: { readonly text: string }): ReactNode {
  return shownText(text);
}

/** The same for an attribute, such as a label. */
export function shownLabel(text: string): string {
  return shownText(text);
}

/** A stored text that is edited as it is; where it has hidden characters, they are marked beside. */
export function HiddenIn({ text }: { readonly text: string }): ReactNode {
  const shown = shownText(text);
  if (shown === text) return undefined;
  return (
    <p className="prose error" role="note">
      This text has hidden characters: {shown}
    </p>
  );
}

/** Data as indented JSON. */
export function Json({ data }: { readonly data: unknown }): ReactNode {
  return <pre className="json">{shownText(JSON.stringify(data, undefined, 2) ?? "")}</pre>;
}
