import { createHash } from "node:crypto";

const SLUG_LENGTH_MAX = 40;

/** `claude-code-3f2a`: the client's name, and enough of its conversation, or else of the session, to tell its windows apart. */
export function handleOf(client: string, conversation: string): string {
  return `${slugOf(client, "agent")}-${suffixOf(conversation)}`;
}

export function slugOf(client: string, fallback: string): string {
  const slug = client
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, SLUG_LENGTH_MAX);
  return slug === "" ? fallback : slug;
}

export function suffixOf(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 4);
}
