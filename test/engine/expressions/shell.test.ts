import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { shellTemplate } from "../../../src/engine/expressions/shell.js";

/** The message for a position that is neither a word nor in double quotes: it points to env. */
const PLACE = /must be a word of its own or stand in double quotes.*env: \{ VALUE: /;
const X = "${{ inputs.x }}";
/** Would be several words, a glob, and a command, where it were anything but a value. */
const HOSTILE = `a  b * $(echo run) \`echo run\` "q" 'p' ; echo run`;

function ranBySh(run: string): string {
  const shell = shellTemplate(run);
  if ("misplaced" in shell) throw new Error(shell.misplaced);
  const env = Object.fromEntries(Object.keys(shell.variables).map((name) => [name, HOSTILE]));
  return execFileSync("sh", ["-c", shell.run], { encoding: "utf8", env: { PATH: process.env["PATH"], ...env } });
}

describe("a value in a command line reaches the command as it is", () => {
  test.each([
    ["as a word", `printf %s ${X}`],
    ["in double quotes", `printf %s "${X}"`],
    ["behind such a command", `printf %s "$(printf '(')${X}"`, `(${HOSTILE}`],
    ["behind a computation", `printf %s $((1 + 2)) ${X}`, `3${HOSTILE}`],
    ["as a word between operators", `true&&printf %s ${X}|cat`],
    ["behind a closed quote, in double quotes", `printf %s 'it'\\''s '"${X}"`, `it's ${HOSTILE}`],
    ["behind a value that is given", `n=" a "; printf %s ${X}`],
    ["behind a group and a function", `(true); f() { printf %s "$1"; }; f ${X}`],
    ["in double quotes behind a command in them", `printf %s "$(printf "%s" ')')${X}"`, `)${HOSTILE}`],
    ["behind a command with a quoted bracket", `a=$(printf ')'); printf %s ${X}`],
    ["behind $#", `printf %s "$#"; printf %s ${X}`, `0${HOSTILE}`],
    ["behind a comment with an apostrophe", `# don't\nprintf %s ${X}`],
    ["behind a comment with a quote", `true # say "x\nprintf %s ${X}`],
  ])("%s", (_, run, printed = HOSTILE) => {
    expect(ranBySh(run)).toBe(printed);
  });
});

describe("an expression is refused", () => {
  test.each([
    ["in single quotes", `echo 'a ${X}'`, /stands in single quotes/],
    ["in quotes with escapes", `echo $'it\\'s ${X}'`, /stands in single quotes/],
    ["in a document whose word is quoted", `cat <<'EOF'\n${X}\nEOF`, PLACE],
    ["in a document whose word is escaped", `cat <<\\EOF\n${X}\nEOF`, PLACE],
    ["behind a backslash", `echo \\${X}`, PLACE],
    ["beside escaped quotes", `printf %s \\"${X}\\"`, PLACE],
    ["behind a closed quote", `printf %s 'it'\\''s '${X}`, PLACE],
    ["in a command inside double quotes", `printf %s "$(printf %s ${X})"`, PLACE],
    ["in double quotes of a command inside double quotes", `printf %s "$(printf %s "${X}")"`, PLACE],
    ["in backticks", `printf %s "\`printf %s ${X}\`"`, PLACE],
    ["in a group of a command", `printf %s "$( (printf %s ${X}) )"`, PLACE],
    ["in a comment", `printf %s ok # ${X}`, PLACE],
    ["behind what only looks like a comment", `printf %s "$#"a#'b'${X}`, PLACE],
    ["in a document", `cat <<EOF\nit's "${X}"\nEOF`, PLACE],
    ["in a command in a document", `cat <<EOF\n$(printf %s ${X})\nEOF`, PLACE],
    ["behind a document", `cat <<-'EOF' >/dev/null\n\tit's "\n\tEOF\nprintf %s ${X}`, PLACE],
    ["behind two documents", `cat <<A - <<B >/dev/null\n'\nA\n"\nB\nprintf %s ${X}`, PLACE],
    ["as what a variable is else", `printf %s "\${none:-${X}}"`, /where a shell computes.*env:/],
    ["as what a variable is else, in no quotes", `printf %s \${none:-${X}}`, /where a shell computes.*env:/],
    ["as part of a word", `ls dir/${X}`, PLACE],
    ["as two expressions in one word", `ls ${X}${X}`, PLACE],
    ["behind a dollar sign", `echo "$${X}"`, PLACE],
    ["behind an escaped space", `echo a\\ ${X}`, PLACE],
    [
      "behind a comment within a command",
      `a=$(b # it's
); echo ${X}`,
      PLACE,
    ],
    ["behind a case within a command", `a=$(case b in b) echo;; esac); echo ${X}`, PLACE],
    ["behind quotes within braces", `echo "\${a:-it's}" ${X}`, PLACE],
    ["in a computation", `echo "$(( ${X} + 1 ))"`, /where a shell computes/],
    ["in a command in a computation", `echo $(( $(echo ${X}) + 1 ))`, /where a shell computes/],
    ["in a condition that computes", `if (( ${X} > 1 )); then echo; fi`, /where a shell computes/],
    ["in the index of an array", `echo "\${list[${X}]}"`, /where a shell computes/],
    ["as the place in a text", `echo "\${name:${X}:2}"`, /where a shell computes/],
    ["in the older form of a computation", `echo "$[ a[0] + ${X} ]"`, /where a shell computes/],
    ["in what let is given", `true && let "n = 1|${X}"`, /behind let, which evaluates.*env:/],
    ["in what let is given in a group", `y=$(\\let n=${X})`, PLACE],
    ["in the index of what is given a value", `list[${X}]=1`, PLACE],
    ["in such an index, in quotes", `true; list["${X}"]+=1`, /given to a variable.*env:/],
    ["in a part of such an index", `list[0+${X}]=1`, PLACE],
    ["in an index of a list", `list=([${X}]=1)`, PLACE],
    ["in what a variable that is a number is given", `declare -r -xi n=${X}`, PLACE],
    ["as the name of a variable", `declare -g "${X}=1"`, /behind declare, which/],
    ["as the name that another stands for", `if true; then local -n r="${X}"; fi`, /behind local, which/],
    ["as the name that a text is put under", `printf -v ${X} %s a`, /where printf may read an option/],
    ["as the name that is read", `read -p "which? " ${X} < file`, /behind read, which/],
    [
      "as the name of a variable that is asked for",
      `if [ -n a ] && [ -v "${X}" ]; then echo; fi`,
      /in a condition of a form/,
    ],
    ["beside a comparison of numbers in [[ ]]", `[[ ${X} -lt 80 ]] && echo low`, /stands in \[\[ \]\]/],
  ])("%s", (_, run, why) => {
    expect(shellTemplate(run)).toEqual({ misplaced: expect.stringMatching(why), at: run.indexOf("inputs.x") + 1 });
  });

  test("nesting deeper than any real command, and long lines of brackets, take no time", () => {
    expect(shellTemplate(`${"$(".repeat(200)}${X}`)).toMatchObject({ misplaced: expect.stringMatching(PLACE) });
    for (const sign of ["[[ ", "$(", "`", "${a[", "<<", "(", '"', "#"]) {
      expect(shellTemplate(sign.repeat(60_000))).toHaveProperty("run");
    }
  }, 2_000);

  test.each([
    `go test -v ${X} && pytest -k test -v ${X}`,
    `docker volume create --driver local ${X}; ./deploy.sh local ${X}`,
    `echo "we let users of ${X} in"; echo declare ${X}; outlet ${X}`,
    `echo "item[${X}] is done"; grep -v ${X} file; printf %s ${X}`,
    `read -r line <<< ${X}; read -p a answer < "${X}"; { ./list 2> ${X}; } >>${X} &`,
    `command ./run ${X} && exec ./run ${X} || time ./run ${X}`,
    `case $a in a) echo ${X};; (b) echo "${X}";; esac; for f in *; do cp $f "to/${X}"; done`,
    `set -- ${X}; bash script.sh ${X}; node run.js ${X}; sh -c 'echo "$1"' sh ${X}; "$BIN/run" ${X}`,
    `test -f ${X} && [ ${X} = a ]`,
  ])("refused in %s", (run) => {
    expect(shellTemplate(run)).toHaveProperty("run");
  });

  test("takes no time behind as much text as is allowed", () => {
    for (const sign of [
      "let ",
      "$[",
      "[ ",
      "declare -i ",
      "a[",
      "local -x ",
      "printf -v ",
      "read -d ",
      "x=",
      '"',
      "' ",
      "\\",
    ]) {
      expect(shellTemplate(`echo ${X} ${sign.repeat(20_000)}`)).toBeDefined();
      expect(shellTemplate(`echo ${X} ${sign.repeat(20_000)} ${X}`)).toBeDefined();
    }
  }, 20_000);

  test("nowhere else behind [[ ]], and not where [ ] compares numbers", () => {
    expect(shellTemplate(`[[ $a == a* ]]; echo ${X}; grep '[[:alpha:]_]'; [ ${X} -lt 80 ]`)).toMatchObject({
      run: `[[ $a == a* ]]; echo "\${BATON_VALUE_1}"; grep '[[:alpha:]_]'; [ "\${BATON_VALUE_2}" -lt 80 ]`,
    });
  });
});
