import { expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { replayed } from "../support/databases/replayed.js";
import { names, put } from "./conformance/notes.js";

test.each(BACKENDS)("running everything twice shows on %s what is not pure", async (backend) => {
  const store = replayed(await (await createDatabase(backend)).open());
  let outside = 0;

  const answer = await store.transact(function* (ctx) {
    yield* put(ctx.newId("note"), ctx.random());
    return (yield* names()).length;
  });
  expect(answer).toBe(1);

  const remembers = store.transact(function* () {
    outside += 1;
    yield* put(`note-${outside}`);
  });
  await expect(remembers).rejects.toThrow("not pure: statement 0");

  const answersOtherwise = store.transact(function* () {
    yield* names();
    outside += 1;
    return outside;
  });
  await expect(answersOtherwise).rejects.toThrow("not pure: run again on the same rows, it ends in another way");
  expect(await store.read(names)).toHaveLength(1);
});
