import type { ReactNode } from "react";

interface ListViewProps {
  readonly title: string;
  readonly children: ReactNode;
}

/** A view that is one list under its title. */
export function ListView({ title, children }: ListViewProps): ReactNode {
  return (
    <section aria-labelledby="title">
      <div className="head">
        <h1 id="title">{title}</h1>
      </div>
      {children}
    </section>
  );
}
