import type { ReactNode } from "react";
import { useSession } from "../../data/session.js";

/** Says beforehand that a decision counts only from a person who has signed in. */
export function PersonNeeded(): ReactNode {
  const session = useSession();
  if (session === undefined || session.is_person) return undefined;
  return <p className="nothing">This is for a person to decide: sign in first (above).</p>;
}
