import axe from "axe-core";
import type { Page } from "playwright-core";

interface Results {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** The violations that axe finds on a page as it is shown now, a line for each rule; best practices are rules too. */
export async function violationsOn(page: Pick<Page, "evaluate">): Promise<string[]> {
  // Run by the browser's own console, which the page's policy does not bind.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as Results;
  return violations.map(({ id, help, nodes }) => {
    const [first] = nodes;
    return `${id}: ${help}, ${nodes.length} times: ${first?.html} ${first?.failureSummary ?? ""}`;
  });
}
