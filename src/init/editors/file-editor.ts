import { BatonError } from "../../base/errors.js";

/** Puts Baton's entries into one file. */
export interface FileEditor {
  /**
   * Returns the text with the entries in it: the same text where they are there already. An absent file is undefined.
   * Throws `unfit` for a file that they cannot be merged into.
   */
  readonly edit: (text: string | undefined) => string;
  /** The entries alone, for a person to paste. */
  readonly snippet: string;
}

/** Refuses a file as it is; the message completes "FILE is left as it is: …". */
export function unfit(why: string): BatonError {
  return new BatonError("invalid_input", why);
}
