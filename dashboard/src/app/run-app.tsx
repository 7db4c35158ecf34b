import { type ReactNode, useEffect } from "react";
import { queryClient, useOperation } from "../data/queries.js";
import { useRoute } from "../page/routes.js";
import { RunBody, RunFacts, RunTabs, RunTitle, Tasks } from "../views/run/run.js";

const TABS = { list: "List", graph: "Graph" } as const;
/** A host hands on no notifications of the server, so the app asks, while it is in sight. */
const ASK_MS = 2_000;
const ENDED = new Set(["succeeded", "failed", "cancelled", "compensated"]);

/** The run that a tool of the conversation was about, as it is now. Deciding is left to pages where a person is known. */
export function RunApp({ run }: { readonly run: string }): ReactNode {
  const { query: given } = useRoute();
  const tab = given.get("view") === "graph" ? "graph" : "list";
  const task = given.get("task") ?? undefined;
  const query = useOperation("get_run", { run });
  const isOver = query.data !== undefined && ENDED.has(query.data.run.status);
  useEffect(() => (isOver ? undefined : follow(run)), [run, isOver]);
  return (
    <main aria-labelledby="title">
      <RunTitle query={query}>{(answer) => <RunFacts {...answer} />}</RunTitle>
      <RunTabs run={run} tabs={TABS} tab={tab} task={task} />
      <RunBody run={run} tab={tab} task={task}>
        <Tasks run={run} tab={tab} task={task} />
      </RunBody>
    </main>
  );
}

/** Asks how the run stands, and reads all that is shown again where that has changed. Returns how to stop. */
function follow(run: string): () => void {
  const queryKey = ["get_run", { run }];
  let isReading = false;
  const ask = async (): Promise<void> => {
    if (isReading || document.visibilityState !== "visible") return;
    isReading = true;
    const before = queryClient.getQueryData(queryKey);
    await queryClient.refetchQueries({ queryKey });
    // Equal answers are the same object: the cache shares what has not changed.
    if (queryClient.getQueryData(queryKey) !== before)
      await queryClient.invalidateQueries({ predicate: ({ queryKey: [name] }) => name !== "get_run" });
    isReading = false;
  };
  const timer = setInterval(() => void ask(), ASK_MS);
  return () => clearInterval(timer);
}
