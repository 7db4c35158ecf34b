import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Ancestor, ancestors, ancestorsIn, clientAmong, listProcesses } from "../../src/runtime/ancestry.js";

test.runIf(process.platform !== "win32")("the nearest process above this one is its parent", async () => {
  const [parent] = await ancestors();
  expect(parent?.pid).toBe(process.ppid);
  expect(parent?.processStartedAt).toBeGreaterThan(0);
});

test.runIf(existsSync("/proc/self/stat") && existsSync("/bin/ps"))("ps tells the same chain as /proc", async () => {
  const [listed, seen] = [ancestorsIn(await listProcesses(), process.ppid), await ancestors()];
  expect(listed.map(({ pid }) => pid)).toEqual(seen.map(({ pid }) => pid));
  expect(listed.map(({ leadsTerminal }) => leadsTerminal)).toEqual(seen.map(({ leadsTerminal }) => leadsTerminal));
});

// As ps of macOS prints it.
const LIST = `    1     0 Ss   ??       Sat Nov 28 21:02:11 2026 /sbin/launchd
  400     1 Ss   ttys001  Sun Nov 29 07:00:00 2026 -zsh
  501   400 S+   ttys001  Sun Nov 29 07:01:02 2026 claude --resume
  502   501 S+   ttys001  Sun Nov 29 07:01:03 2026 npm exec baton-mcp
  503   502 S+   ttys001  Sun Nov 29 07:01:03 2026 sh -c baton
`;

test("a list of ps becomes the chain above a process, with the instants of their starts", () => {
  const chain = ancestorsIn(LIST, 503);
  expect(chain.map(({ pid, name, leadsTerminal }) => [pid, name, leadsTerminal])).toEqual([
    [503, "sh", false],
    [502, "npm", false],
    [501, "claude", false],
    [400, "-zsh", true],
  ]);
  expect(clientAmong(chain)).toEqual({ pid: 501, processStartedAt: Date.parse("2026-11-29T07:01:02Z") });
  expect(ancestorsIn(LIST, 9)).toEqual([]);
});

describe("the client is the first process above a server that is no wrapper", () => {
  const chain = (...lines: readonly (readonly string[])[]): Ancestor[] =>
    lines.map((commandLine, at) => ({
      pid: 90 - at,
      processStartedAt: 1,
      name: "",
      commandLine,
      leadsTerminal: false,
    }));

  test.each([
    [[["claude"]], 90],
    [[["npm exec baton-mcp"], ["claude"]], 89],
    [
      [["/bin/sh", "-c", "baton"], ["node", "/usr/lib/node_modules/npm/bin/npx-cli.js", "-y", "baton-mcp"], ["codex"]],
      88,
    ],
    [[["node", "/opt/gemini-cli/dist/index.js"]], 90],
    [[["/Applications/Cursor.app/Contents/Frameworks/Cursor Helper (Plugin).app/x", "--type=utility"]], 90],
    [[["/home/npm exec/claude"]], 90],
  ])("%j", (lines, pid) => {
    expect(clientAmong(chain(...lines))?.pid).toBe(pid);
  });

  test("a command that a person has typed has no client", () => {
    const [shell, emulator] = chain(["-bash"], ["/usr/bin/gnome-terminal"]);
    expect(clientAmong([{ ...shell!, leadsTerminal: true }, emulator!])).toBeUndefined();
    expect(clientAmong([])).toBeUndefined();
  });
});
