import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { followHistory } from "./data/history.js";
import { queryClient } from "./data/queries.js";
import { Page, preloadShown } from "./page/page.js";
import { applyTheme } from "./page/theme.js";

preloadShown();
applyTheme();
followHistory();
const root = document.getElementById("page");
if (root === null) throw new Error("the document has no place for the page");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <Page />
    </QueryClientProvider>
  </StrictMode>,
);
