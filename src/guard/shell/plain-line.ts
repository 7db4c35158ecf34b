/** Programs that write files by the words of their call. */
export const WRITER_NAMES = [
  "tee",
  "rm",
  "unlink",
  "truncate",
  "mv",
  "cp",
  "ln",
  "install",
  "dd",
  "sed",
  "perl",
  "patch",
  "apply_patch",
  "sponge",
  "shred",
  "rsync",
  "awk",
  "sort",
  "curl",
  "wget",
  "Remove-Item",
  "Set-Content",
  "Add-Content",
  "Out-File",
] as const;

/** Signs that a shell gives no meaning by which words come to be that do not stand in the line. */
const PLAIN = /^[\w\s./=:,@%+&|;-]*$/;
const WRITING = new RegExp(`git|find|${WRITER_NAMES.join("|")}`, "i");

/** Whether a line of a shell certainly uses no files that a guard looks at, by its letters alone: most lines run tests or read. */
export function usesNoFiles(line: string): boolean {
  return PLAIN.test(line) && !WRITING.test(line);
}
