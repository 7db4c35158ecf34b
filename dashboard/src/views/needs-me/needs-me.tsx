import { type ReactNode, useEffect, useRef } from "react";
import { useFocusWithin } from "../../page/focus.js";
import { isWriting } from "../../page/keys.js";
import { goTo, hrefOf, type Route } from "../../page/routes.js";
import { Nothing } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { Ago } from "../../parts/time.js";
import { DeadLetterDetail } from "./dead-letter.js";
import { type Item, useItems } from "./items.js";
import { QuestionDetail } from "./question.js";
import { SilentDetail } from "./silent.js";

const hrefOfItem = (id: string) => hrefOf(["needs-me", id]);

/** All that waits for a person: a list, and the chosen item beside it with what there is to decide. */
export function NeedsMeView({ route }: { readonly route: Route }): ReactNode {
  const items = useItems();
  const [, chosenId] = route.words;
  // The most urgent stands beside the list, where there is room, until another is chosen.
  const chosen = chosenId === undefined ? items?.[0] : items?.find(({ id }) => id === chosenId);
  useKeys(items ?? [], chosenId);
  return (
    <section className={`needs-me ${chosenId === undefined ? "" : "has-chosen"}`} aria-labelledby="title">
      <div className="head">
        <h1 id="title">Needs me</h1>
        {items !== undefined && items.length > 0 && (
          <small className="keys">
            <kbd>j</kbd> <kbd>k</kbd> next, previous
          </small>
        )}
      </div>
      <div className="beside">
        <ItemList items={items} chosenId={chosen?.id} />
        <Chosen
          key={chosen?.id ?? "none"}
          isOpened={chosenId !== undefined}
          item={chosen}
          isGone={items !== undefined && chosenId !== undefined && chosen === undefined}
        />
      </div>
    </section>
  );
}

interface ItemListProps {
  readonly items: readonly Item[] | undefined;
  readonly chosenId: string | undefined;
}

function ItemList({ items, chosenId }: ItemListProps): ReactNode {
  if (items === undefined) return <p className="loading">Loading …</p>;
  if (items.length === 0) return <Nothing>Nothing waits for you.</Nothing>;
  return (
    <ul className="items" aria-label="Waiting for a person">
      {items.map(({ id, kind, title, urgency, since, due }) => (
        <li key={id}>
          <a href={hrefOfItem(id)} aria-current={id === chosenId ? "true" : undefined}>
            <span className="kind">
              <span className={`label urgency-${urgency}`}>{kind}</span>
              <Ago at={since} />
            </span>
            <span className="title">
              <Shown text={title} />
            </span>
            {due !== undefined && (
              <small>
                decided without you <Ago at={due} />
              </small>
            )}
          </a>
        </li>
      ))}
    </ul>
  );
}

interface ChosenProps {
  /** Whether a reader has chosen it: it has the focus then. */
  readonly isOpened: boolean;
  readonly item: Item | undefined;
  readonly isGone: boolean;
}

function Chosen({ item, isOpened, isGone }: ChosenProps): ReactNode {
  const part = useRef<HTMLElement>(null);
  useFocusWithin(part, isOpened && (item !== undefined || isGone));
  if (item === undefined)
    return isGone ? (
      <section ref={part} tabIndex={-1} role="status">
        <Nothing>It waits no longer.</Nothing>
      </section>
    ) : undefined;
  return (
    <article ref={part} className="chosen" aria-label={item.kind} tabIndex={-1}>
      <p className="path only-narrow">
        <a href={hrefOf(["needs-me"])}>All that needs me</a>
      </p>
      {"question" in item && <QuestionDetail question={item.question} />}
      {"deadLetter" in item && <DeadLetterDetail deadLetter={item.deadLetter} />}
      {"silent" in item && <SilentDetail agent={item.silent} />}
    </article>
  );
}

/** `j` and `k` go through the list, unless something is being written. */
function useKeys(items: readonly Item[], chosenId: string | undefined): void {
  useEffect(() => {
    const move = (event: KeyboardEvent) => {
      const step = { j: 1, k: -1 }[event.key];
      if (step === undefined || isWriting(event)) return;
      const place = items.findIndex(({ id }) => id === chosenId);
      const next = items[place === -1 ? 0 : place + step];
      if (next !== undefined) goTo(hrefOfItem(next.id));
    };
    document.addEventListener("keydown", move);
    return () => document.removeEventListener("keydown", move);
  }, [items, chosenId]);
}
