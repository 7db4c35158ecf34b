import { grouped } from "../../base/lists/groups.js";
import { BatonError } from "../../base/errors.js";
import type { CommandPattern } from "../../base/executor-policy.js";
import { hint } from "../../base/names.js";
import { type Config, SETTING_VARIABLES } from "../../config.js";
import type { Finding } from "../../app/maintenance.js";
import { clientFindings, programOf } from "../clients.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { EXIT } from "../failure.js";
import type { TypedCall } from "../typed-calls.js";
import { paint, type Style, type Tone } from "../terminal/terminal.js";

const NODE_MAJOR_MIN = 20;
/** Variables beside the settings. */
const OTHER_VARIABLES = ["BATON_AGENT"];
const PREFIX = "BATON_";

/** `baton doctor`: looks at everything the program needs and says what to do about what is not right. Changes nothing. */
export async function doctor(context: CommandContext): Promise<CommandAnswer> {
  const findings = [
    node(),
    ...(await configured(context)),
    ...clientFindings({ ...context, program: programOf(context.host) }),
  ];
  const failed = findings.some(({ verdict }) => verdict === "fail");
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap((finding) => findingLines(finding, width, context.stdout.style));
  if (failed) context.end(EXIT.failed);
  return { data: { ok: !failed, findings }, text: lines.join("\n") };
}

const TONES: Readonly<Record<Finding["verdict"], Tone>> = { ok: "green", warn: "yellow", fail: "red" };

function findingLines({ check, verdict, says, remedy }: Finding, width: number, style: Style): string[] {
  const line = `${paint(verdict.padEnd(4), TONES[verdict], style)}  ${check.padEnd(width)}  ${says}`;
  return remedy === undefined ? [line] : [line, `${" ".repeat(width + 8)}→ ${remedy}`];
}

function node(): Finding {
  const says = `Node ${process.version} on ${process.platform} ${process.arch}`;
  const good = Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN;
  if (good) return { check: "node", verdict: "ok", says };
  return { check: "node", verdict: "fail", says, remedy: `install Node ${NODE_MAJOR_MIN} or newer` };
}

async function configured({ open, host, env, call }: CommandContext): Promise<Finding[]> {
  let config: Config;
  try {
    ({ config } = await open());
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    return [{ check: "configuration", verdict: "fail", says: error.message, remedy: remedyOf(error) }];
  }
  const database = await host.inspectDatabase(config.database);
  const usable = database.every(({ verdict }) => verdict !== "fail");
  const there = usable && !database.some(({ says }) => says.includes("not there yet"));
  return [
    ...configuration(config),
    ...config.warnings.map((says) => ({ check: "configuration", verdict: "warn", says }) as const),
    ...variables(env),
    commands(config),
    tools(config),
    notifications(config),
    ...database.map((one) => ({ ...one, check: `database ${one.check}` })),
    ...(there ? await health(call) : []),
  ];
}

function remedyOf({ code, details }: BatonError): string {
  const file = typeof details?.["file"] === "string" ? details["file"] : undefined;
  if (code === "not_permitted") return "move it to your own baton.json, which docs/configuration.md names";
  return file === undefined ? "correct the value" : `correct it in ${file}`;
}

function configuration({ origins }: Config): Finding[] {
  const places = grouped(
    Object.entries(origins).filter(([, origin]) => origin !== "default"),
    ([, origin]) => origin,
    ([name]) => name,
  );
  if (places.size === 0) return [{ check: "configuration", verdict: "ok", says: "every value is the default" }];
  return [...places].map(([origin, names]) => ({
    check: "configuration",
    verdict: "ok",
    says: `${origin}: ${names.join(", ")}`,
  }));
}

/** Variables with a misspelt name, which would be ignored without a word. */
function variables(env: CommandContext["env"]): Finding[] {
  const known = [...SETTING_VARIABLES, ...OTHER_VARIABLES];
  const strange = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !known.includes(name));
  return strange
    .filter((name) => !name.startsWith("BATON_INPUT_"))
    .map((name) => ({
      check: "environment",
      verdict: "warn",
      says: `unknown setting ${name}${hint(name, known)}`,
      remedy: `unset ${name}`,
    }));
}

function commands({ commands: policy, origins }: Config): Finding {
  const origin = origins["allow_commands"] ?? "default";
  const check = "commands";
  switch (policy.kind) {
    case "off":
      return { check, verdict: "ok", says: `command steps are off (${origin}); --allow-commands turns them on` };
    case "patterns":
      return {
        check,
        verdict: "ok",
        says: `run where they match ${policy.patterns.map(patternText).join(", ")} (${origin})`,
      };
    case "all":
      return {
        check,
        verdict: "warn",
        says: `all commands of all workflows run (${origin})`,
        remedy: "list patterns in your own baton.json to allow fewer",
      };
  }
}

function tools({ mcpServers, origins }: Config): Finding {
  const names = mcpServers.map(({ name }) => name).join(", ");
  const says =
    names === ""
      ? "tool steps are off: no mcpServers are configured"
      : `tool steps may call ${names} (${origins["mcpServers"] ?? "default"})`;
  return { check: "tools", verdict: "ok", says };
}

function notifications({ notifications: targets, origins }: Config): Finding {
  const check = "notifications";
  if (targets.length === 0)
    return { check, verdict: "ok", says: "no target is configured: questions stand in `baton escalations`" };
  const named = targets.map(({ name, kind, events }) => `${name} (${kind}: ${events.join(", ")})`).join("; ");
  const says = `${named} (${origins["notifications"] ?? "default"}); \`baton notifications test\` tries them`;
  return { check, verdict: "ok", says };
}

async function health(call: TypedCall): Promise<Finding[]> {
  const { components } = await call("get_health_status", {});
  const verdicts = { ok: "ok", degraded: "warn", down: "fail" } as const;
  return components.map(({ name, status, reason }) => ({
    check: `health ${name}`,
    verdict: verdicts[status],
    says: reason,
  }));
}

function patternText(pattern: CommandPattern): string {
  return typeof pattern === "string" ? pattern : `${pattern.pattern} in ${pattern.roots.join(", ")}`;
}
