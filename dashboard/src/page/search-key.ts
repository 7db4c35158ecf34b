import { useEffect } from "react";
import { isWriting } from "./keys.js";
import { goTo, hrefOf } from "./routes.js";

/** Id of the field of the search. */
export const SEARCH_FIELD = "search-field";

/** `/` leads to the search from every view, unless something is being written. */
export function useSearchKey(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "/" || isWriting(event)) return;
      event.preventDefault();
      const field = document.getElementById(SEARCH_FIELD);
      if (field === null) goTo(hrefOf(["search"]));
      else field.focus();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
