import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { shellTemplate } from "../../../src/engine/expressions/shell.js";

// A value tries to have the shell run what is in it: each tries to make a file whose name is the number of its line.
const X = "${{ inputs.x }}";
let directory: string;
beforeAll(() => void (directory = mkdtempSync(path.join(tmpdir(), "baton-evaluation-"))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Lines in which bash evaluates the value of a variable, whatever quotes it has, or hands it to a program as code. */
const EVALUATED = [
  `[[ "" || -v ${X} ]]`,
  `[[ a && ${X} -eq 1 ]]`,
  `[[ 1 -lt ${X} || a == b ]]`,
  `>/dev/null let n=${X}`,
  `2>/dev/null let ${X}`,
  `command -p let n=${X}`,
  `command let ${X}`,
  `builtin let ${X}`,
  `command builtin command let ${X}`,
  `\\let ${X}`,
  `l""et ${X}`,
  `'let' ${X}`,
  `l\\\net ${X}`,
  `n=let; $n ${X}`,
  `n=let; "$n" ${X}`,
  `$(echo let) ${X}`,
  `{let,n=1} ${X}`,
  `a=1 let ${X}`,
  `time -p let ${X}`,
  `! let ${X}`,
  `let n=1 \\\n ${X}`,
  `if true; then let ${X}; fi`,
  `while let ${X}; do break; done`,
  `case a in a) let ${X};; esac`,
  `f() { let "$1"; let ${X}; }; f 1`,
  `trap ${X} EXIT`,
  `PS4=${X}; set -x; :`,
  `PS4="${X}"; set -x; :`,
  `mapfile -C ${X} -c 1 a < /etc/passwd`,
  `readarray -C "${X}" -c 1 a < /etc/passwd`,
  `eval ${X}`,
  `eval "echo ${X}"`,
  `RANDOM=${X}`,
  `RANDOM="${X}"`,
  `declare -i n; n=${X}`,
  `declare -i n; n="${X}"; echo`,
  `declare -i "n=${X}"`,
  `n[1 + "${X}"]=1`,
  `n["${X}"]=1`,
  `n=(["${X}"]=1)`,
  `[ -v ${X} ]`,
  `test -v "${X}"`,
  `[ a = a -a -v ${X} ]`,
  `printf -v ${X} %s a`,
  `echo a | read ${X}`,
  `unset ${X}`,
  `unset "n[${X}]"`,
  `compgen -W ${X}`,
  `for n in ${X}; do eval "$n"; done`,
  `$((${X}))`,
  `echo $((${X}))`,
  `for ((n = ${X}; n < 1; n++)); do :; done`,
  `alias list=eval; shopt -s expand_aliases\nlist ${X}`,
  `bash -c ${X}`,
  `bash -c "echo ${X}"`,
  `sh -ec "true ${X}"`,
  `env A=1 timeout 5 sh -c "${X}"`,
  `bash -o posix -c ${X}`,
  `echo a | xargs sh -c "echo ${X}"`,
  `cat <<EOF\n$(let ${X})\nEOF`,
];

/** Lines that stand beside those: a reader that took one of them would take one of the others. */
const BESIDE = [
  `[[ a || -v ${X} ]]`,
  `[[ ${X} == a* ]]`,
  `let <(:) n ${X}`,
  `trap -- ${X} EXIT`,
  `export -n ${X}`,
  `export A="${X}"`,
  `A=${X} ./deploy`,
  X,
  `"${X}" a`,
  `sh ${X} a`,
  `printf ${X} a`,
  `echo $"${X}"`,
  `echo @(a|b) ${X}`,
];

const WAYS = (name: string): string[] =>
  [
    X,
    `"${X}"`,
    `-v ${X} a`,
    `-n ${X}`,
    `a ${X}`,
    `"a=${X}"`,
    `"a[${X}]"`,
    `-i "n=${X}"`,
    `-p ${X} a`,
    `-- ${X}`,
    `${X} ${X}`,
    `${X} ${X} a`,
    `a -a ${X} = b`,
    `${X} EXIT`,
    `-C ${X} -c 1 a`,
    `${X} ${X} ]`,
    `-n a -a ${X} ${X} ]`,
    `! ${X} ${X} ]`,
    `-eq ${X} -eq ]`,
    `1 -eq ${X} ]`,
  ].map((words) => `${name} ${words}`);
const FRONTS = [">f ", "command ", "command -p ", "builtin ", "! ", "a=1 ", "time ", "time -p ", "\\", "if ", "exec "];

/** Every builtin command and keyword of this machine's bash in many ways, and each behind what may stand in front of a command. */
function generated(): string[] {
  const names = execFileSync("bash", ["-c", "compgen -b; compgen -k"], { encoding: "utf8" }).trim().split("\n");
  const words = [...new Set([...names, "env", "f", "./f", "$n", '"$n"', "${n}"])];
  const plain = words.flatMap(WAYS);
  const behind = words.flatMap((name) => FRONTS.map((front) => `${front}${name} ${X}`));
  return [...plain, ...behind];
}

/** Values that a place which evaluates would run, in the forms of arithmetic, indices, commands, code and options. */
function values(marker: string): string[][] {
  const makes = `$(>${marker})`;
  return [[`n[${makes}]`], [`;>${marker};`], [`>${marker}`], ["-v", `n[${makes}]`]];
}

/** Runs each line in bash, once with each value. Returns the lines in which the shell ran what was in it. */
function ranIn(lines: readonly string[]): string[] {
  for (const name of readdirSync(directory)) rmSync(path.join(directory, name));
  const script = lines.flatMap((line, number) => {
    const tries = values(path.join(directory, String(number))).map(
      ([first = "", second = first]) =>
        `BATON_VALUE_1=${quoted(first)} BATON_VALUE_2=${quoted(second)}; eval ${quoted(line)}`,
    );
    return `( n=let; ${tries.join("\n")}\n) </dev/null >/dev/null 2>&1`;
  });
  const { error } = spawnSync("bash", ["-s"], {
    cwd: directory,
    env: { PATH: process.env["PATH"] },
    timeout: 100_000,
    input: script.join("\n"),
  });
  expect(error?.message).toBeUndefined();
  return lines.filter((_, number) => existsSync(path.join(directory, String(number))));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

test("each of these lines would run what a value holds, and each is refused and points to env:", () => {
  const lines = EVALUATED.map((line) => line.replaceAll(`"${X}"`, X).replaceAll(X, '"$BATON_VALUE_1"'));
  expect(ranIn(lines)).toEqual(lines);
  for (const line of [...EVALUATED, ...BESIDE]) {
    expect({ line, ...shellTemplate(line) }).toEqual({
      line,
      at: line.indexOf("inputs.x") + 1,
      misplaced: expect.stringMatching(/: put it into env:, as env: \{ VALUE: /),
    });
  }
});

test("no line that is taken runs what a value holds, whatever stands in front of it", () => {
  const taken = generated().flatMap((line) => {
    const shell = shellTemplate(line);
    return "misplaced" in shell ? [] : [shell.run];
  });
  expect(ranIn([...new Set(taken)])).toEqual([]);
  expect(taken).toEqual(expect.arrayContaining(['echo "${BATON_VALUE_1}"', 'printf a "${BATON_VALUE_1}"']));
});
