import type { ReactNode } from "react";
import type { Problem } from "../data/client.js";

interface LoadedProps<T> {
  readonly query: { readonly data: T | undefined; readonly error: Problem | null };
  readonly children: (data: T) => ReactNode;
}

/** The result of a query; before it a quiet line, and after a refusal its reason. */
export function Loaded<T>({ query, children }: LoadedProps<T>): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null) return <Refusal problem={query.error} />;
  return (
    <p className="loading" role="status">
      Loading …
    </p>
  );
}

export function Refusal({ problem }: { readonly problem: Problem }): ReactNode {
  return (
    <p className="refusal" role="alert">
      {problem.message}
    </p>
  );
}

/** The line of a list that has nothing. */
export function Nothing({ children }: { readonly children: ReactNode }): ReactNode {
  return <p className="nothing">{children}</p>;
}
