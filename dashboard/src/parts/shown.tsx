import type { ReactNode } from "react";
import { shownText } from "../../../src/base/texts/shown-characters.js";

/** Text of an agent or a person: characters that hide or turn the reading direction are marked. Everything stored is shown through here. */
export function Shown({ text }: { readonly text: string }): ReactNode {
  return shownText(text);
}

/** Data as indented JSON. */
export function Json({ data }: { readonly data: unknown }): ReactNode {
  return <pre className="json">{shownText(JSON.stringify(data, undefined, 2) ?? "")}</pre>;
}
