/** An addressee as it is read: a channel by its sign, all of them by a word. */
export function addresseeText(to: string): string {
  if (to === "all") return "everyone";
  if (to === "human") return "people";
  const [kind = "", name = ""] = to.split(":", 2);
  if (kind === "channel") return `#${name}`;
  if (kind === "role") return `role ${name}`;
  if (kind === "task") return "the holder of a task";
  return to;
}

/** Whether a reader of this name may reply: what is between two others is theirs. */
export function mayReply({ from, to }: { readonly from: string; readonly to: string }, reader: string): boolean {
  return from === reader || to === reader || to === "human" || to === "all" || to.includes(":");
}
