import { afterAll, beforeAll, onTestFinished } from "vitest";

type End = () => unknown;

/** Ends of the parts that a `shared` is making. */
let making: End[] | undefined;

/** Registers what ends a part of a test: when the test has finished, or the last of those that share the part. */
export function atEnd(end: End): void {
  if (making === undefined) onTestFinished(async () => void (await end()));
  else making.push(end);
}

/** Makes a part once for all tests of the file or `describe` that this is called in, such as a server that none of them changes or kills. */
export function shared<T>(make: () => Promise<T>): () => T {
  const ends: End[] = [];
  let made: { readonly part: T } | undefined;
  beforeAll(async () => {
    making = ends;
    try {
      made = { part: await make() };
    } finally {
      making = undefined;
    }
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });
  return () => {
    if (made === undefined) throw new Error("a shared part is there for tests alone");
    return made.part;
  };
}
