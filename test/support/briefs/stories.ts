import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { othersSteps } from "./others.js";

/** A question about a run or one of its tasks, and what one line of a good brief about it holds. */
export interface StoryQuestion {
  /** "run", or the key of a task. */
  readonly of: string;
  readonly ask: string;
  readonly answer: readonly string[];
}

/** A step of a story: who does what, with which words. */
export type Act = readonly [actor: string, verb: string, ...given: readonly unknown[]];

/** A run as it went: played again it is recorded anew, by the engine of today. */
export interface Story {
  readonly name: string;
  readonly agents: Readonly<Record<string, readonly string[]>>;
  /** Agents of a process of their own, which may end. */
  readonly away: readonly string[];
  readonly children: readonly { readonly name: string }[];
  readonly workflow: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, unknown>> | undefined;
  /** How many other tasks of the run are worked on between the acts. */
  readonly beside: number;
  readonly play: readonly Act[];
  readonly questions: readonly StoryQuestion[];
}

const DIRECTORY = path.resolve(import.meta.dirname, "../../data/briefs");
/** The half on which the briefs were tuned, and the half that was only measured. */
export const HALVES = ["tuned", "held-out"] as const;
export type Half = (typeof HALVES)[number];

interface Written extends Partial<Omit<Story, "questions" | "name">> {
  readonly questions: readonly (readonly [of: string, ask: string, ...answer: unknown[]])[];
}

export function storiesOf(half: Half, directory = path.join(DIRECTORY, half)): Story[] {
  return readdirSync(directory)
    .sort()
    .map((file) => {
      const written = parse(readFileSync(path.join(directory, file), "utf8")) as Written;
      const {
        agents = {},
        away = [],
        children = [],
        workflow = {},
        inputs,
        beside = 0,
        play = [],
        questions,
      } = written;
      return {
        name: path.basename(file, ".yaml"),
        agents,
        away,
        children,
        workflow: prompted(workflow, beside),
        inputs,
        beside,
        play,
        questions: questions.map(([of, ask, ...answer]) => ({ of, ask, answer: answer.map(String) })),
      };
    });
}

/** A definition whose agents' steps have a prompt, with the steps of others. */
function prompted(workflow: Readonly<Record<string, unknown>>, beside: number): Readonly<Record<string, unknown>> {
  const steps = workflow["steps"] as readonly Readonly<Record<string, unknown>>[];
  const withPrompt = steps.map((step) =>
    "kind" in step ? step : { prompt: `${String(step["title"])}, as the ticket says.`, ...step },
  );
  return { ...workflow, steps: [...withPrompt, ...othersSteps(beside)] };
}
