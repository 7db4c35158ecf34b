import type { Ask } from "./busy-team.js";

const [DEPTH, WIDTH] = [100, 100];
export const LARGE_RUN_TASKS = DEPTH * WIDTH;

/** Starts a run of 10,000 tasks in a project of its own, 100 deep and 100 wide; each but the first hundred needs two. Returns its id. */
export async function largeRun(ask: Ask): Promise<string> {
  await ask("create_project", { name: "large" });
  const steps = Array.from({ length: LARGE_RUN_TASKS }, (_, at) => ({
    key: `t${at}`,
    title: `Task ${at}`,
    prompt: "do it",
    ...(at >= WIDTH && { needs: [`t${at - WIDTH}`, `t${at - WIDTH + ((at + 1) % WIDTH) - (at % WIDTH)}`] }),
  }));
  const { run } = await ask("execute_workflow", { project: "large", definition: { name: "large", steps } });
  return run.id;
}
