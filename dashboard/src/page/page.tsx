import { type ComponentType, type ReactNode, useEffect } from "react";
import { useStreamState } from "../data/history.js";
import { NeedsMeView } from "../views/needs-me/needs-me.js";
import { useItems } from "../views/needs-me/items.js";
import { useSession } from "../data/session.js";
import { focusMain } from "./focus.js";
import { Identity, SignIn } from "./identity.js";
import { lazyView, preload, preloadAll, type ViewProps } from "./lazy-view.js";
import { ProjectChoice } from "./project-choice.js";
import { hrefOf, type Route, shownRoute, useRoute } from "./routes.js";
import { useSearchKey } from "./search-key.js";
import { ThemeChoice } from "./theme.js";

const RunsView = lazyView(async () => (await import("../views/runs/runs.js")).RunsView);
const AgentsView = lazyView(async () => (await import("../views/lists/agents.js")).AgentsView);
const MessagesView = lazyView(async () => (await import("../views/messages/messages.js")).MessagesView);
const LocksView = lazyView(async () => (await import("../views/lists/locks.js")).LocksView);
const CostsView = lazyView(async () => (await import("../views/lists/costs.js")).CostsView);
const HistoryView = lazyView(async () => (await import("../views/lists/history.js")).HistoryView);
const SchedulesView = lazyView(async () => (await import("../views/schedules/schedules.js")).SchedulesView);
const SearchView = lazyView(async () => (await import("../views/search/search.js")).SearchView);
const RunView = lazyView(async () => (await import("../views/run/run.js")).RunView);

interface View {
  readonly word: string;
  readonly title: string;
  /** In the navigation. */
  readonly isListed: boolean;
  readonly view: ComponentType<ViewProps>;
}

const VIEWS: readonly View[] = [
  { word: "needs-me", title: "Needs me", isListed: true, view: NeedsMeView },
  { word: "runs", title: "Runs", isListed: true, view: RunsView },
  { word: "schedules", title: "Schedules", isListed: true, view: SchedulesView },
  { word: "agents", title: "Agents", isListed: true, view: AgentsView },
  { word: "messages", title: "Messages", isListed: true, view: MessagesView },
  { word: "locks", title: "Locks", isListed: true, view: LocksView },
  { word: "costs", title: "Cost", isListed: true, view: CostsView },
  { word: "history", title: "History", isListed: true, view: HistoryView },
  { word: "search", title: "Search", isListed: false, view: SearchView },
  { word: "run", title: "Run", isListed: false, view: RunView },
];
const [FIRST] = VIEWS as [View, ...View[]];

function viewOf({ words: [word] }: Route): View {
  return VIEWS.find((view) => view.word === word) ?? FIRST;
}

/** Begins to load the view that the address names, while the page itself is made. */
export function preloadShown(): void {
  preload(viewOf(shownRoute()).view);
}

/** The frame of all views: where one is, where one can go, and whether it is live. */
export function Page(): ReactNode {
  const route = useRoute();
  const shown = viewOf(route);
  const place = route.words.join("/");
  const keepsFocus = shown.word === "search" || (shown.word === FIRST.word && route.words.length !== 1);
  useEffect(() => {
    document.title = `${shown.title} · Baton`;
    // On a narrow page the views stand in a row that is scrolled.
    document.querySelector(".bar [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    // A reader is taken along to the new view, unless it has a place of its own for them.
    if (!keepsFocus) focusMain();
  }, [place, shown.title, keepsFocus]);
  useEffect(preloadAll, []);
  const { view: ShownView } = shown;
  useSearchKey();
  const isAsked = useSession()?.isAsked;
  return (
    <>
      <a className="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <header className="bar">
        <a className="brand" href={hrefOf([])}>
          Baton
        </a>
        <nav aria-label="Views">
          {VIEWS.filter(({ isListed }) => isListed).map(({ word, title }) => (
            <a key={word} href={hrefOf([word])} aria-current={shown.word === word ? "page" : undefined}>
              {title}
              {word === FIRST.word && <WaitingCount />}
            </a>
          ))}
        </nav>
        <a
          className="to-search"
          href={hrefOf(["search"])}
          aria-current={shown.word === "search" ? "page" : undefined}
          aria-keyshortcuts="/"
        >
          Search <kbd>/</kbd>
        </a>
        <div className="choices">
          <ProjectChoice />
          <ThemeChoice />
          <Identity />
          <Liveness />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {isAsked === true ? <SignIn /> : <ShownView route={route} />}
      </main>
    </>
  );
}

/** How many things wait for a person, seen from every view. */
function WaitingCount(): ReactNode {
  const count = useItems()?.length ?? 0;
  return count === 0 ? undefined : <span className="count">{count}</span>;
}

function skipToMain(event: { preventDefault(): void }): void {
  event.preventDefault();
  focusMain();
}

const WORDS = { connecting: "Connecting …", live: "Live", offline: "Offline: shown as it was" } as const;

function Liveness(): ReactNode {
  const state = useStreamState();
  return (
    <span className={`liveness is-${state}`} role="status">
      {WORDS[state]}
    </span>
  );
}
