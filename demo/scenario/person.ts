import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { PersonSecret } from "../../src/runtime/person-secret.js";
import { environmentOf, type Place } from "../team/baton.js";

const SECRET = "a secret of this demo";
const PERSON = { name: "person", conversation: "" };

/** The person at a terminal: the command line is all that they use. A secret of their own stands for the keyboard. */
export class Person {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
    new PersonSecret(path.join(this.#environment["XDG_CONFIG_HOME"] ?? "", "baton")).set(SECRET);
  }

  /** Runs `baton …` and returns its document. */
  async baton(...args: readonly string[]): Promise<unknown> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [path.join(this.#place.home, "dist/main.js"), ...args, "--json"],
      { cwd: this.#place.repository, env: { ...this.#environment, BATON_PERSON_SECRET: SECRET } },
    );
    return JSON.parse(stdout);
  }

  /** Questions that wait for a person. */
  async questions(): Promise<{ id: string }[]> {
    const listed = z.object({ escalations: z.array(z.object({ id: z.string() })) });
    return listed.parse(await this.baton("escalations", "--tier", "human")).escalations;
  }

  get #environment(): Record<string, string> {
    return environmentOf(this.#place, PERSON);
  }
}
