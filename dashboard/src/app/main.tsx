import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { callOver, Problem } from "../data/client.js";
import { queryClient } from "../data/queries.js";
import { goTo } from "../page/routes.js";
import { Refusal } from "../parts/loaded.js";
import { callsThrough } from "./calls.js";
import { Host } from "./host.js";
import { RunApp } from "./run-app.js";

type Fields = Readonly<Record<string, unknown>>;

const place = document.getElementById("page");
if (place === null) throw new Error("the document has no place for the app");
const root = createRoot(place);
const host = new Host(told);
callOver(callsThrough(host));
// A link of a document without an address of its own would lead to the page around it.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const href = link?.getAttribute("href");
  if (typeof href !== "string") return;
  event.preventDefault();
  goTo(href);
});
host.tellSizes();
const { hostContext } = await host.initialize("baton-run");
if (isFields(hostContext)) takeContext(hostContext);

/** Takes what the host tells: its looks, and the call that the app stands for, by its input or, where that names no run, its result. */
function told(method: string, params: Fields): void {
  if (method === "ui/notifications/host-context-changed") takeContext(params);
  if (method === "ui/notifications/tool-input" && isFields(params["arguments"])) show(params["arguments"]["run"]);
  if (method === "ui/notifications/tool-result" && isFields(params["structuredContent"])) {
    const { run, error } = params["structuredContent"];
    if (isFields(run)) show(run["id"]);
    else if (isFields(error))
      root.render(<Refusal problem={new Problem(String(error["code"]), String(error["message"]))} />);
  }
}

function show(run: unknown): void {
  if (typeof run !== "string") return;
  root.render(
    <QueryClientProvider client={queryClient}>
      <RunApp key={run} run={run} />
    </QueryClientProvider>,
  );
}

function takeContext({ theme }: Fields): void {
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
