import type { Call } from "./player.js";

/** Work of others in the same run, which a brief has to tell from what it is asked about. */
export const OTHERS = ["sid", "tom", "una"] as const;
const ROLE = "others";

const THINGS = ["button", "form", "table", "dialog", "menu", "badge", "banner", "footer", "avatar", "tooltip"] as const;
const VERBS = ["Align", "Rename", "Polish", "Test", "Document", "Simplify"] as const;

function of<T>(list: readonly T[], at: number): T {
  return list[at % list.length] as T;
}

/** Steps of others: each has a file, some build on another, and all come before what the story is about in the order of claims. */
export function othersSteps(count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, at) => {
    const thing = `${of(THINGS, at)}-${at}`;
    return {
      key: `other-${at}`,
      title: `${of(VERBS, at)} the ${thing}`,
      prompt: `${of(VERBS, at)} the ${thing} in src/ui/${thing}.tsx, as its ticket says.`,
      role: ROLE,
      ...(at % 4 === 1 && { needs: [`other-${at - 1}`] }),
      priority: "critical",
      files: { write: [`src/ui/${thing}.tsx`] },
      retry: { max_attempts: 5, initial_interval_ms: 1000 },
    };
  });
}

/** Works on so many steps of others: some fail at first, some are talked about. */
export async function workBeside(call: Call, run: string, { from, to }: { from: number; to: number }): Promise<void> {
  for (let at = from; at < to; at++) {
    const agent = of(OTHERS, at);
    const { task, lease } = await call("claim_task", { agent, run, roles: [ROLE], fresh: true });
    // A run that is paused or cancelled gives out none.
    if (task === undefined || lease === undefined) return;
    if (!task.key.startsWith("other-")) throw new Error(`${agent} got ${task.key}`);
    const held = { agent, task: task.id, token: lease.token };
    await call("report_progress", { ...held, percent: 50, note: `half of ${task.title} is done` });
    if (at % 9 === 4) {
      const other = of(OTHERS, at + 1);
      const body = `Is ${task.key} meant for both themes?`;
      const { message } = await call("send_message", { agent, to: other, type: "question", task: task.id, body });
      await call("send_message", { agent: other, reply_to: message.id, body: `For ${task.key}: yes, for both` });
    }
    if (at % 7 === 3) {
      const error = { type: "lint", message: `unused import in the file of ${task.key}` };
      await call("fail_task", { ...held, error });
    } else
      await call("complete_task", { ...held, result: { changed: at + 3, note: `${task.title} is done as asked` } });
  }
}
