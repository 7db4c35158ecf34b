import { expect, test } from "vitest";
import { subjectsNamedIn } from "../../../src/mcp/elicitation/subjects-named.js";

const RUN = "run_1m7zd2dvhe18p0g8";
const OTHER = "run_1m7zd2dvhe18p0g9";
const ASKED = "escalation_1m7zd2dvhe18p0g8";
const APPROVAL = "approval_1m7zd2dvhe18p0g8";

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
  [{ tasks: [{ run: RUN }] }, [RUN]],
  [{ escalation: { id: ASKED, run: RUN } }, [ASKED, RUN]],
  [{ escalations: [{ id: ASKED }, { id: "task_1", task: { run: RUN } }] }, [ASKED, RUN]],
  [{ name: "decide_escalation", arguments: { id: ASKED } }, [ASKED]],
  [{ approval: { id: APPROVAL, run: RUN } }, [APPROVAL, RUN]],
  [{ approval: APPROVAL, approvals: [{ id: APPROVAL }] }, [APPROVAL]],
  [{ id: "task_1", escalation: `${ASKED}'; DROP`, approval: 1 }, []],
  [{ run: `${RUN}; DROP`, task: "task_1", events: RUN, arguments: null, result: [] }, []],
  [{ runs: [{ id: RUN }] }, []],
  [{ run: "../../etc/passwd" }, []],
])("%j is about %j", (data, runs) => {
  expect(subjectsNamedIn(data)).toEqual(runs);
});

test("endless nesting is read no deeper than calls are nested", () => {
  let nested: Record<string, unknown> = { run: RUN };
  for (let depth = 0; depth < 20_000; depth++) nested = { arguments: nested };
  expect(subjectsNamedIn(nested)).toEqual([]);
});
