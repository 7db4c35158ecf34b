import { BatonError } from "../../base/errors.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { UsageError } from "../failure.js";

/** `baton secret`: sets the person's secret, or removes it. A present one is asked first. */
export async function setSecret(
  { host, askHidden }: CommandContext,
  { remove = false }: Shared & { readonly remove?: boolean },
): Promise<CommandAnswer> {
  if (askHidden === undefined) throw new UsageError("A secret is typed at a terminal.");
  const refused = host.personSecret.isSet ? undefined : host.seat()?.refused;
  if (refused !== undefined) {
    const message = `No secret is set from here: this terminal is not taken for a person's: ${refused}.`;
    throw new BatonError("not_permitted", message, { details: { permitted: ["human"] } });
  }
  if (host.personSecret.isSet && !host.personSecret.isMatchedBy((await askHidden("Present secret: ")) ?? ""))
    throw new BatonError("not_permitted", "That is not the secret. Nothing was changed.", {});
  if (remove) {
    host.personSecret.remove();
    return { data: { set: false }, text: "Decisions ask for no secret any more." };
  }
  const secret = (await askHidden("New secret: ")) ?? "";
  if (secret !== ((await askHidden("Again: ")) ?? "")) throw new UsageError("The two differ. Nothing was changed.");
  host.personSecret.set(secret);
  return { data: { set: true }, text: "From now on each decision at a terminal asks for the secret." };
}
