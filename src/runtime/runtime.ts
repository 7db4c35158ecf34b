import { type Clock, systemClock } from "./clock.js";
import { type Ids, sortableIds } from "./ids.js";
import { type Random, systemRandom } from "./random.js";

/** Time, ids and randomness: everything a process takes from the world besides its database. */
export interface Runtime {
  clock: Clock;
  ids: Ids;
  random: Random;
}

export function systemRuntime(): Runtime {
  return { clock: systemClock, random: systemRandom, ids: sortableIds(systemRandom) };
}
