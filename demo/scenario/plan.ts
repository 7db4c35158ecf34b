/** The goal that the planner is given. */
export const GOAL = "A small library that converts money between currencies, with settings, a guide and a change log";

/** Files that the steps write. */
export const FILES = {
  design: "docs/design.md",
  convert: "src/convert.mjs",
  format: "src/format.mjs",
  exports: "src/index.mjs",
  settings: "config/service.json",
  changes: "CHANGELOG.md",
  guide: "docs/guide.md",
} as const;

/** Steps that everything is killed at. */
export const LAST_KEYS: readonly string[] = ["changes", "guide"];

/** The steps that the planner writes: two engineers side by side, a review, a check by command, and what is written about it. */
export const STEPS = [
  {
    key: "design",
    title: "Design the library",
    role: "architect",
    prompt: `Write ${FILES.design}: which functions there are, what each takes and returns.`,
    files: { write: [FILES.design] },
  },
  {
    key: "convert",
    title: "Convert money",
    role: "backend_engineer",
    needs: ["design"],
    prompt: `Write ${FILES.convert}: convert(amount, rate), in whole cents.`,
    files: { write: [FILES.convert] },
    criteria: ["Half a cent goes to the even cent."],
    review: { by: "code_reviewer", max_rounds: 3, criteria: ["It does what its criteria say, and nothing else."] },
  },
  {
    key: "format",
    title: "Show money",
    role: "frontend_engineer",
    needs: ["design"],
    prompt: `Write ${FILES.format}: format(cents, currency), as a person reads it.`,
    files: { write: [FILES.format] },
  },
  {
    key: "settings",
    title: "Write the settings",
    role: "frontend_engineer",
    needs: ["design"],
    prompt: `Write ${FILES.settings}: where rates come from, how often. No secret may stand in it.`,
    files: { write: [FILES.settings] },
  },
  {
    key: "check",
    title: "Run the tests",
    kind: "command",
    run: "node --test",
    needs: ["convert", "format", "settings"],
  },
  {
    key: "changes",
    title: "Write the change log",
    role: "backend_engineer",
    needs: ["check"],
    prompt: `Write ${FILES.changes}: what is new.`,
    files: { write: [FILES.changes] },
  },
  {
    key: "guide",
    title: "Write the guide",
    role: "frontend_engineer",
    needs: ["check"],
    prompt: `Write ${FILES.guide}: an example of each function.`,
    files: { write: [FILES.guide] },
  },
] as const;
