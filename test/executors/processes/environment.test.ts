import { describe, expect, test } from "vitest";
import { BatonError } from "../../../src/base/errors.js";
import {
  commandEnvironment,
  inputEnvironment,
  minimalEnvironment,
  VARIABLE_BYTES_MAX,
} from "../../../src/executors/processes/environment.js";

function refusal(action: () => unknown): BatonError {
  try {
    action();
  } catch (error) {
    if (error instanceof BatonError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("minimalEnvironment", () => {
  test("passes on only what programs need to find themselves", () => {
    const server = {
      PATH: "/bin",
      HOME: "/h",
      USER: "u",
      LANG: "C",
      LC_ALL: "C.UTF-8",
      TMPDIR: "/t",
      SHELL: "/bin/sh",
      TERM: "xterm",
      AWS_SECRET_ACCESS_KEY: "secret",
      BATON_DATABASE_URL: "postgres://u:p@h/d",
      NODE_OPTIONS: "--inspect",
      LD_PRELOAD: "x.so",
      path: "lower case",
      TZ: undefined,
    };
    expect(minimalEnvironment(server)).toEqual({
      PATH: "/bin",
      HOME: "/h",
      USER: "u",
      LANG: "C",
      LC_ALL: "C.UTF-8",
      TMPDIR: "/t",
      SHELL: "/bin/sh",
      TERM: "dumb",
    });
  });
});

describe("inputEnvironment", () => {
  test("names in upper case, values as text", () => {
    const inputs = {
      path: "a b\n$(id)",
      "max-size": 3,
      dryRun: true,
      übung: "x",
      none: null,
      list: [1, "2"],
      map: { a: { b: 1 } },
      absent: undefined,
    };
    expect(inputEnvironment(inputs)).toEqual({
      BATON_INPUT_PATH: "a b\n$(id)",
      BATON_INPUT_MAX_SIZE: "3",
      BATON_INPUT_DRYRUN: "true",
      BATON_INPUT__BUNG: "x",
      BATON_INPUT_NONE: "",
      BATON_INPUT_LIST: '[1,"2"]',
      BATON_INPUT_MAP: '{"a":{"b":1}}',
    });
  });

  test("refuses names that collide, naming both", () => {
    const error = refusal(() => inputEnvironment({ "a-b": 1, a_b: 2 }));
    expect(error.code).toBe("invalid_input");
    expect(error.message).toContain("a-b and a_b");
  });

  test("refuses NUL and what is longer than a process can be handed", () => {
    expect(refusal(() => inputEnvironment({ a: "x\0y" })).code).toBe("invalid_input");
    const fits = VARIABLE_BYTES_MAX - "BATON_INPUT_A=".length;
    expect(inputEnvironment({ a: "x".repeat(fits) })["BATON_INPUT_A"]).toHaveLength(fits);
    const error = refusal(() => inputEnvironment({ a: "x".repeat(fits + 1) }));
    expect(error.code).toBe("limit_exceeded");
    expect(error.details).toEqual({ bytes_max: fits });
  });
});

describe("commandEnvironment", () => {
  test("puts the step's own variables and its inputs together", () => {
    expect(commandEnvironment({ CI: "1" }, { path: "src" })).toEqual({ CI: "1", BATON_INPUT_PATH: "src" });
  });

  test.each([{ "A=B": "x" }, { "": "x" }, { "1A": "x" }, { "A B": "x" }, { A: "x\0" }, { BATON_DB: "x" }])(
    "refuses %j",
    (env) => {
      expect(refusal(() => commandEnvironment(env, {})).code).toBe("invalid_input");
    },
  );
});
