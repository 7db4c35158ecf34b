import { findWindowByName, updateWindow, windowsOfTask } from "../../store/context-windows/windows.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

const NUMBERED_MAX = 100;

/** A task that goes from one agent to another. */
export interface Succession {
  readonly task: string;
  readonly from: string;
  readonly to: string;
}

/** Hands the windows of a task to the agent that takes it over. One whose name that agent has already gets a number. */
export function* moveWindows(ctx: Pick<EngineContext, "now">, { task, from, to }: Succession): Tx<void> {
  for (const window of yield* windowsOfTask(task, from)) {
    let name = window.name;
    for (let number = 2; number <= NUMBERED_MAX; number++) {
      if (!(yield* findWindowByName({ agent: to, project: window.project, name }))) break;
      name = `${window.name}-${number}`;
    }
    yield* updateWindow({ ...window, agent: to, name, updatedAt: ctx.now });
  }
}
