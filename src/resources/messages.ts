import { suggestAgents } from "../engine/system/completions.js";
import { addressOf, parseAddressee } from "../engine/channels/addresses.js";
import { addressesFollowed, unreadMessages } from "../engine/channels/reading.js";
import { messageView } from "../engine/channels/views.js";
import type { ResourceTemplate } from "./resource.js";

export const messages: ResourceTemplate = {
  uriTemplate: "baton://messages/{id}",
  name: "messages",
  title: "Messages",
  description:
    "The unread messages of an agent, oldest first: to its handle, roles, tasks, channels and all. The first 200; read_messages acknowledges them.",
  *read(ctx, id) {
    return { messages: (yield* unreadMessages(ctx, id)).map(messageView) };
  },
  complete: suggestAgents,
  changedBy: ({ to, project }) => (to === null ? null : addressOf(parseAddressee(to), project ?? "")),
  follow: addressesFollowed,
};
