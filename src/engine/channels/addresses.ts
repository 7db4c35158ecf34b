import { ADDRESSES_MAX, channelsOf, type Inbox } from "../../store/channels/messages.js";
import type { Agent } from "../../store/agents/agents.js";
import { runningTasksOf } from "../../store/tasks/tasks.js";
import { nothing, together, type Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import { isName, NAME_RULE } from "../../base/names.js";

/** Where a message goes, as a caller writes it: NAME, role:NAME, #NAME or channel:NAME, task:ID, all. */
export type Addressee =
  | { readonly kind: "agent" | "role" | "channel"; readonly name: string }
  | { readonly kind: "task"; readonly name: string }
  | { readonly kind: "all" };

const PREFIXED = /^(role|channel|task|agent):(.*)$/s;

/** Errors: `invalid_input` for a text that names no addressee. */
export function parseAddressee(to: string): Addressee {
  if (to === "all") return { kind: "all" };
  if (to.startsWith("#")) return { kind: "channel", name: nameIn(to, to.slice(1)) };
  const [, kind, name = ""] = PREFIXED.exec(to) ?? [];
  if (kind === "task") return { kind, name };
  if (kind === "role" || kind === "channel" || kind === "agent") return { kind, name: nameIn(to, name) };
  return { kind: "agent", name: nameIn(to, to) };
}

function nameIn(to: string, name: string): string {
  if (isName(name)) return name;
  const message = `to: "${to}" is no addressee. Write an agent's handle, role:NAME, #CHANNEL or all; names have ${NAME_RULE}.`;
  throw new BatonError("invalid_input", message, { details: { path: "to" } });
}

/** The address under which messages are stored: agents and tasks have one each, the others one in each project. */
export function addressOf(addressee: Addressee, project: string): string {
  if (addressee.kind === "agent" || addressee.kind === "task") return `${addressee.kind}:${addressee.name}`;
  return addressee.kind === "all" ? `${project}/all` : `${project}/${addressee.kind}:${addressee.name}`;
}

/** The addressee of a stored address, as a caller writes it. */
export function shownAddress(address: string): string {
  if (address.startsWith("agent:")) return address.slice("agent:".length);
  return address.slice(address.indexOf("/") + 1);
}

/** Roles that an agent registered or has offered in a claim. */
export function rolesOf({ roles, offeredRoles }: Pick<Agent, "roles" | "offeredRoles">): string[] {
  return [...new Set([...roles, ...offeredRoles])];
}

/** As many as an agent may register for; the addresses of all others come first. */
const TASKS_MAX = 16;

/** The addresses whose messages are an agent's own in a project: its handle, its roles, its tasks, its channels, all. */
export function* inboxOf(agent: Agent, project: string | undefined): Tx<Inbox> {
  const [tasks, channels = []] = yield* together([
    runningTasksOf(agent.name, TASKS_MAX),
    project === undefined ? nothing() : channelsOf(agent.name, ADDRESSES_MAX),
  ]);
  const own = [`agent:${agent.name}`, ...tasks.map(({ id }) => `task:${id}`)];
  const roles = rolesOf(agent).map((role) => `${project ?? ""}/role:${role}`);
  const shared =
    project === undefined
      ? []
      : [`${project}/all`, ...roles, ...channels.filter((address) => address.startsWith(`${project}/`))];
  return {
    agent: agent.name,
    addresses: [...own, ...shared].slice(0, ADDRESSES_MAX),
    registeredAt: agent.registeredAt,
  };
}
