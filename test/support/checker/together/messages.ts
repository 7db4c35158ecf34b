import type { Finding } from "../checker.js";
import type { Acknowledged } from "../journal.js";
import type { Snapshot } from "../snapshot.js";
import { ackKey, type MessageRow, type Together } from "./rows.js";

/**
 * Messages that were read in another order than they were sent, came although they had been acknowledged, or did not come: the last
 * reading of an agent has all that were sent to it and that it has not acknowledged.
 */
export function messageFindings({ together, events }: Snapshot, journal: readonly Acknowledged[]): Finding[] {
  const { messages } = together;
  const byId = new Map(messages.map((message) => [message.id, message]));
  const finding = (subject: string, detail: string): Finding => ({ invariant: "messages", subject, detail });
  const findings: Finding[] = [];
  const told = events.flatMap(({ type, data }) => (type === "message.sent" ? [String(data["message"])] : []));
  if (!isInOrder(told, byId))
    findings.push(finding("messages", "the history tells of them in another order than theirs"));
  for (const { id } of messages.filter((message) => !told.includes(message.id)))
    findings.push(finding(id, "the history does not tell of it"));
  for (const entry of journal) {
    if (entry.kind !== "read") continue;
    if (!isInOrder(entry.messages, byId)) findings.push(finding(entry.agent, `read ${entry.messages.join(", ")}`));
    if (entry.isInbox) findings.push(...inboxDetails(entry, together).map((detail) => finding(entry.agent, detail)));
  }
  return findings;
}

function isInOrder(ids: readonly string[], byId: ReadonlyMap<string, MessageRow>): boolean {
  const numbers = ids.flatMap((id) => byId.get(id)?.seq ?? []);
  return numbers.every((seq, at) => seq > (numbers[at - 1] ?? 0));
}

function inboxDetails(
  { agent, messages: read }: { readonly agent: string; readonly messages: readonly string[] },
  { messages, acks }: Together,
): string[] {
  const unread = messages.filter(({ sender, seq }) => sender !== agent && !acks.has(ackKey(agent, seq)));
  const open = new Set(unread.map(({ id }) => id));
  const lost = unread.filter(({ id, address }) => address === `agent:${agent}` && !read.includes(id));
  return [
    ...lost.map(({ id }) => `${id} is unread and does not come`),
    ...read.filter((id) => !open.has(id)).map((id) => `${id} comes although it was acknowledged`),
  ];
}
