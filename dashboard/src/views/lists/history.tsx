import { type ReactNode, useState } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { useProject } from "../../page/project.js";
import { hrefOf, type Route } from "../../page/routes.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Pages } from "../../parts/pages.js";
import { Shown } from "../../parts/shown.js";
import { Ago } from "../../parts/time.js";
import { ListView } from "./list-view.js";

type Event = ResultOf<"list_events">["events"][number];

const PAGE_SIZE = 100;

/** The history from its beginning, by type and agent, a page at a time. */
export function HistoryView({ route }: { readonly route: Route }): ReactNode {
  const project = useProject();
  const [types, setTypes] = useState(route.query.get("types") ?? "");
  const [agent, setAgent] = useState("");
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const wanted = types.split(/[\s,]+/).filter((type) => type !== "");
  const query = useOperation("list_events", {
    ...project,
    ...(wanted.length > 0 && { types: wanted }),
    ...(agent !== "" && { agent }),
    ...(cursor !== undefined && { cursor }),
    limit: PAGE_SIZE,
  });
  const search = (event: { preventDefault(): void; currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setCursors([]);
    setTypes(textOf(fields, "types"));
    setAgent(textOf(fields, "agent"));
  };
  return (
    <ListView title="History">
      <form className="search" onSubmit={search}>
        <label>
          Types <input name="types" defaultValue={types} placeholder="task.claimed, run.finished" />
        </label>
        <label>
          Agent <input name="agent" />
        </label>
        <button>Search</button>
      </form>
      <Loaded query={query}>
        {({ events, next_cursor: next, more }) => (
          <>
            {events.length === 0 ? <Nothing>No event matches.</Nothing> : <EventTable events={events} />}
            <Pages cursors={cursors} next={more ? next : undefined} onTurn={setCursors} words={["Earlier", "Later"]} />
          </>
        )}
      </Loaded>
    </ListView>
  );
}

function textOf(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value : "";
}

function EventTable({ events }: { readonly events: readonly Event[] }): ReactNode {
  return (
    <table className="rows">
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">When</th>
          <th scope="col">Agent</th>
          <th scope="col">What</th>
          <th scope="col">Run</th>
        </tr>
      </thead>
      <tbody>
        {events.map(({ seq, type, at, agent, run, task, data }) => (
          <tr key={seq}>
            <th scope="row">{type}</th>
            <td>
              <Ago at={at} />
            </td>
            <td>{agent !== undefined && <Shown text={agent} />}</td>
            <td className="prose">
              <Shown text={wordsOf(data)} />
            </td>
            <td>{run !== undefined && <a href={hrefOf(["run", run], { task })}>Open</a>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The plain fields of an event, as many as fit a line or two. */
function wordsOf(data: Readonly<Record<string, unknown>>): string {
  const plain = Object.entries(data).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return plain
    .slice(0, 4)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(" · ");
}
