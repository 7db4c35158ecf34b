import { expect, test } from "vitest";
import { runsNamedIn } from "../../../src/mcp/elicitation/runs-named.js";

const RUN = "run_1m7zd2dvhe18p0g8";
const OTHER = "run_1m7zd2dvhe18p0g9";

test.each([
  [{ run: RUN }, [RUN]],
  [{ task: `${RUN}/build` }, [RUN]],
  [{ run: { id: RUN }, ready: [{ run: OTHER }] }, [RUN]],
  [{ outcome: "claimed", task: { id: "task_1", run: RUN } }, [RUN]],
  [{ name: "signal", arguments: { run: RUN, event: "merged" } }, [RUN]],
  [
    { name: "list_escalations", result: { escalations: [{ task: { run: RUN } }, { task: { run: OTHER } }] } },
    [RUN, OTHER],
  ],
  [{ events: [{ run: RUN }, { run: RUN }] }, [RUN]],
  [{ runs: [{ id: RUN }] }, []],
  [{ run: "../../etc/passwd" }, []],
])("%j is about %j", (data, runs) => {
  expect(runsNamedIn(data)).toEqual(runs);
});

test("endless nesting is read no deeper than calls are nested", () => {
  let nested: Record<string, unknown> = { run: RUN };
  for (let depth = 0; depth < 20_000; depth++) nested = { arguments: nested };
  expect(runsNamedIn(nested)).toEqual([]);
});
