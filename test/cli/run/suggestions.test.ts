import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { baton, batonJson, startCommandLineFixture } from "../../support/servers/command-line.js";

test.runIf(process.platform === "linux")(
  "baton validate suggests what commands of a type had better reserve",
  async () => {
    const fixture = startCommandLineFixture();
    // A look sees it each quarter of a second.
    const held = `node -e "const held = Buffer.alloc(150e6, 1); setTimeout(() => held, 1500)"`;
    const step = (key: string) => ({ key, kind: "command", type: "build", run: held });
    writeFileSync(
      path.join(fixture.cwd, "build.yaml"),
      JSON.stringify({ name: "build", steps: ["a", "b", "c", "d", "e"].map(step) }),
    );
    await batonJson(fixture, ["call", "create_project", "--name", "here", "--root", "."]);
    const before = await baton(fixture, ["validate", "build.yaml"]);
    expect(before.stdout).not.toContain("suggestion");
    expect(await baton(fixture, ["run", "build.yaml", "--allow-commands"])).toMatchObject({ code: 0 });
    const { code, stdout } = await baton(fixture, ["validate", "build.yaml"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^ {2}suggestion for a, b, c, d, e: resources: \{memory: \{gb: [\d.]+\}\} \(19 of 20 of 5 attempts .*\)$/m,
      ),
    });
  },
  60_000,
);
