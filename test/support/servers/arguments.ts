/**
 * Returns the arguments of a program of this repository, as `read` parses them. On a `TypeError`, which `parseArgs`
 * throws too, prints what is wrong and what is right, and ends the program with 2.
 */
export function argumentsOf<T>({ program, usage }: { program: string; usage: string }, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${program}: ${error.message}\n${usage}\n`);
    process.exit(2);
  }
}

/** Throws `TypeError` for anything but a number from `least` on. */
export function numberOf(name: string, text: string, least = 0): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < least)
    throw new TypeError(`--${name} takes a number from ${least} on, and "${text}" is none`);
  return value;
}
