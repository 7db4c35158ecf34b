import { BatonError } from "../../base/errors.js";
import { InternalError } from "../../dispatch/dispatch.js";

/** Returns why a decision is refused; undefined where it is accepted. */
export async function refusalOf(deciding: Promise<void>): Promise<string | undefined> {
  try {
    await deciding;
    return undefined;
  } catch (error) {
    if (error instanceof InternalError || error instanceof BatonError) return error.message;
    throw error;
  }
}
