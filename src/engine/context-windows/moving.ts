import { NAME_LENGTH_MAX } from "../../base/names.js";
import { findWindowByName, giveWindow, windowsOfTask } from "../../store/context-windows/windows.js";
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
    for (let number = 2; yield* findWindowByName({ agent: to, project: window.project, name }); number++) {
      const ending = number <= NUMBERED_MAX ? `-${number}` : `-${window.id.slice(-16)}`;
      name = window.name.slice(0, NAME_LENGTH_MAX - ending.length) + ending;
    }
    yield* giveWindow({ id: window.id, agent: to, name, updatedAt: ctx.now });
  }
}
