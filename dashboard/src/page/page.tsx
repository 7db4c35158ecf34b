import { type ComponentType, type ReactNode, useEffect, useRef } from "react";
import { useStreamState } from "../data/history.js";
import { NeedsMeView } from "../views/needs-me/needs-me.js";
import { useItems } from "../views/needs-me/items.js";
import { useSession } from "../data/session.js";
import { Identity, SignIn } from "./identity.js";
import { lazyView, preload, preloadAll, type ViewProps } from "./lazy-view.js";
import { ProjectChoice } from "./project-choice.js";
import { hrefOf, type Route, shownRoute, useRoute } from "./routes.js";
import { ThemeChoice } from "./theme.js";

const RunsView = lazyView(async () => (await import("../views/runs/runs.js")).RunsView);
const AgentsView = lazyView(async () => (await import("../views/lists/agents.js")).AgentsView);
const LocksView = lazyView(async () => (await import("../views/lists/locks.js")).LocksView);
const CostsView = lazyView(async () => (await import("../views/lists/costs.js")).CostsView);
const HistoryView = lazyView(async () => (await import("../views/lists/history.js")).HistoryView);
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
  { word: "agents", title: "Agents", isListed: true, view: AgentsView },
  { word: "locks", title: "Locks", isListed: true, view: LocksView },
  { word: "costs", title: "Cost", isListed: true, view: CostsView },
  { word: "history", title: "History", isListed: true, view: HistoryView },
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
  const main = useRef<HTMLElement>(null);
  const place = route.words.join("/");
  useEffect(() => {
    document.title = `${shown.title} · Baton`;
    // A reader is taken along to the new view; the first one is where they are already.
    if (place !== "") main.current?.focus();
  }, [place, shown.title]);
  useEffect(preloadAll, []);
  const { view: ShownView } = shown;
  const isAsked = useSession()?.isAsked;
  return (
    <>
      <a className="skip" href="#main" onClick={(event) => skipTo(event, main.current)}>
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
        <div className="choices">
          <ProjectChoice />
          <ThemeChoice />
          <Identity />
          <Liveness />
        </div>
      </header>
      <main ref={main} id="main" tabIndex={-1}>
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

function skipTo(event: { preventDefault(): void }, main: HTMLElement | null): void {
  event.preventDefault();
  main?.focus();
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
