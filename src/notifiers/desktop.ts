import { execFile } from "node:child_process";
import type { AttemptResult } from "../engine/notifications/sending.js";
import { type OutgoingNotification, type Sending, tooSlow, withoutMarkup } from "./outgoing.js";

const TEXT_CHARS_MAX = 400;

/** Shows a notification on this desktop, by the program that the system has for it; texts are arguments, never part of a script. */
export function sendToDesktop({ content }: OutgoingNotification, sending: Sending): Promise<AttemptResult> {
  const command = commandOf(content.subject, content.text.slice(0, TEXT_CHARS_MAX));
  if (command === undefined)
    return Promise.resolve({
      ok: false,
      error: `no program for notifications is known on ${process.platform}`,
      final: true,
    });
  const [program, args] = command;
  const { signal } = sending;
  return new Promise((resolve) => {
    execFile(program, args, { signal, windowsHide: true }, (error) => {
      if (error === null) return resolve({ ok: true });
      if (signal.aborted) return resolve(tooSlow(sending));
      const why = error.code === "ENOENT" ? "is not installed" : `ended with ${String(error.code ?? error.signal)}`;
      resolve({ ok: false, error: `${program} ${why}` });
    });
  });
}

const SCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";

function commandOf(title: string, text: string): [program: string, args: string[]] | undefined {
  if (process.platform === "darwin") return ["osascript", ["-e", SCRIPT, title, text]];
  const body = withoutMarkup(text);
  return process.platform === "linux" ? ["notify-send", ["--app-name=Baton", "--", title, body]] : undefined;
}
