import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { everything, type InitRepository, initRepository, PROGRAM } from "../support/fixtures/init-repository.js";
import { installed, programsOf } from "./npm-package.js";

/** A tool that runs a repository's hooks: how people set it up, with a hook of their own that leaves the file `own-ran`. */
interface HookTool {
  readonly name: string;
  readonly programs: () => string | undefined;
  readonly setUp: (place: InitRepository, run: (...words: string[]) => void) => void;
}

const TOOLS: readonly HookTool[] = [
  {
    name: "husky",
    programs: () => programsOf({ name: "husky", version: "9.1.7" }),
    setUp: (place, run) => {
      place.write("package.json", "{}\n");
      run("husky");
      place.write(".husky/pre-commit", "touch own-ran\n");
    },
  },
  {
    name: "lefthook",
    programs: () => programsOf({ name: "lefthook", version: "2.2.2" }),
    setUp: (place, run) => {
      place.write("lefthook.yml", "pre-commit:\n  commands:\n    own:\n      run: touch own-ran\n");
      run("lefthook", "install");
    },
  },
  {
    name: "pre-commit",
    programs: () => installed("pre-commit"),
    setUp: (place, run) => {
      const hook =
        "{id: own, name: own, language: system, entry: touch own-ran, pass_filenames: false, always_run: true}";
      place.write(".pre-commit-config.yaml", `repos:\n  - repo: local\n    hooks:\n      - ${hook}\n`);
      place.git("add", ".pre-commit-config.yaml");
      run("pre-commit", "install");
    },
  },
];

for (const { name, programs, setUp } of TOOLS) {
  const directory = programs();
  describe.skipIf(directory === undefined)(`beside ${name}, git's hook`, () => {
    const place = (): { repository: InitRepository; run: (...words: string[]) => string } => {
      const repository = initRepository();
      const { fixture, git } = repository;
      git("config", "user.name", "Ann");
      git("config", "user.email", "ann@example.org");
      const env = {
        ...fixture.env,
        PATH: [directory, path.dirname(process.execPath), fixture.env["PATH"]].join(path.delimiter),
      };
      const run = (...[program = "", ...args]: string[]): string => {
        const { status, stdout, stderr } = spawnSync(program, args, { cwd: fixture.cwd, env, encoding: "utf8" });
        if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stdout}${stderr}`);
        return stdout + stderr;
      };
      setUp(repository, run);
      return { repository, run };
    };

    test("lets a person's commit pass, and the repository's own hook runs as before", async () => {
      const { repository, run } = place();
      await repository.init("--yes", "--client", "claude-code");
      repository.write("a.txt", "a\n");
      run("git", "add", "a.txt");
      run("git", "commit", "-m", "a");
      expect(existsSync(repository.at("own-ran"))).toBe(true);
      expect(repository.git("show", "--name-only", "--format=", "HEAD").split("\n")).toContain("a.txt");
    });

    test("refuses a commit of a file that an agent holds, and the hook after a commit lets it be", async () => {
      const { repository, run } = place();
      await repository.init("--yes", "--client", "claude-code");
      const { fixture } = repository;
      const lock = ["call", "acquire_file_lock", "--paths", '["a.txt"]'];
      const env = { ...fixture.env, BATON_AGENT: "zoe" };
      expect(spawnSync(process.execPath, [PROGRAM, ...lock], { cwd: fixture.cwd, env }).status).toBe(0);
      for (const file of ["a.txt", "b.txt"]) repository.write(file, "a\n");
      run("git", "add", "a.txt", "b.txt");
      expect(() => run("git", "commit", "-m", "both")).toThrow(/a\.txt is held by zoe until/);
      run("git", "commit", "-m", "one", "--", "b.txt");
      expect(repository.git("show", "--name-only", "--format=", "HEAD").trim()).toBe("b.txt");
    });

    test("leaves with --undo byte for byte, and the repository's own hook runs on", async () => {
      const { repository, run } = place();
      const before = everything(repository);
      await repository.init("--yes", "--client", "claude-code");
      expect(everything(repository)).not.toEqual(before);
      await repository.init("--undo", "--yes");
      expect(everything(repository)).toEqual(before);
      rmSync(repository.at("own-ran"), { force: true });
      repository.write("a.txt", "a\n");
      run("git", "add", "a.txt");
      run("git", "commit", "-m", "a");
      expect(existsSync(repository.at("own-ran"))).toBe(true);
    });
  });
}
