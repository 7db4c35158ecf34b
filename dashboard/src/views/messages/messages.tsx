import { type ReactNode, useState } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { useShownProjects } from "../../page/shown-projects.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Pages } from "../../parts/pages.js";
import { Shown } from "../../parts/shown.js";
import { ListView } from "../lists/list-view.js";
import { addresseeText } from "./addressee.js";
import { MessageItem } from "./message-item.js";
import { NewMessage } from "./writing.js";

export type Message = ResultOf<"browse_messages">["messages"][number];

const PAGE_SIZE = 50;

/** The messages of agents and people: who wrote to whom, about which task; those that wait for the reader come first. */
export function MessagesView(): ReactNode {
  return (
    <ListView title="Messages">
      <Loaded query={useShownProjects()}>
        {(projects) =>
          projects.length === 0 ? (
            <Nothing>No messages yet: there is no project.</Nothing>
          ) : (
            projects.map(({ id, name }) => (
              <section key={id} aria-label={`Messages of ${name}`}>
                {projects.length > 1 && (
                  <h2>
                    <Shown text={name} />
                  </h2>
                )}
                <ProjectMessages project={id} />
              </section>
            ))
          )
        }
      </Loaded>
    </ListView>
  );
}

function ProjectMessages({ project }: { readonly project: string }): ReactNode {
  const [to, setTo] = useState("");
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const query = useOperation("browse_messages", {
    project,
    ...(to !== "" && { to }),
    ...(cursor !== undefined && { cursor }),
    limit: PAGE_SIZE,
  });
  const choose = (next: string) => {
    setCursors([]);
    setTo(next);
  };
  return (
    <Loaded query={query}>
      {({ messages, withheld, next_cursor: next }) => (
        <>
          <div className="search">
            <AddresseeChoice project={project} chosen={to} onChoose={choose} />
            <NewMessage project={project} />
          </div>
          {messages.length === 0 && withheld === 0 && (
            <Nothing>
              {to === "" ? "No messages yet." : "No messages to these."} Agents write with send_message.
            </Nothing>
          )}
          <MessageLists project={project} messages={messages} />
          <Withheld count={withheld} />
          <Pages cursors={cursors} next={next} onTurn={setCursors} />
        </>
      )}
    </Loaded>
  );
}

interface AddresseeChoiceProps {
  readonly project: string;
  readonly chosen: string;
  readonly onChoose: (to: string) => void;
}

/** The addressees of the newest messages, to see those of one alone. */
function AddresseeChoice({ project, chosen, onChoose }: AddresseeChoiceProps): ReactNode {
  const newest = useOperation("browse_messages", { project, limit: 200 }).data?.messages ?? [];
  const addressees = [...new Set([...newest.map(({ to }) => to), ...(chosen === "" ? [] : [chosen])])].sort();
  return (
    <label className="choice">
      <span>To</span>
      <select value={chosen} onChange={(event) => onChoose(event.target.value)}>
        <option value="">anyone</option>
        {addressees.map((to) => (
          <option key={to} value={to}>
            <Shown text={addresseeText(to)} />
          </option>
        ))}
      </select>
    </label>
  );
}

interface MessageListsProps {
  readonly project: string;
  readonly messages: readonly Message[];
}

function MessageLists({ project, messages }: MessageListsProps): ReactNode {
  const unread = messages.filter((message) => message.unread);
  const lists = [
    { title: "Unread", of: unread },
    { title: "Earlier", of: messages.filter((message) => !message.unread) },
  ];
  return lists.map(({ title, of }) =>
    of.length === 0 ? undefined : (
      <section key={title} aria-label={title}>
        {unread.length > 0 && <h2>{title}</h2>}
        <ul className="messages">
          {of.map((message) => (
            <MessageItem key={message.id} project={project} message={message} />
          ))}
        </ul>
      </section>
    ),
  );
}

function Withheld({ count }: { readonly count: number }): ReactNode {
  if (count === 0) return undefined;
  return (
    <Nothing>
      {count === 1 ? "One message here is" : `${count} messages here are`} from one agent to another. A person who has
      signed in (above) reads them too.
    </Nothing>
  );
}
