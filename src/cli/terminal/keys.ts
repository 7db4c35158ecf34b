import { emitKeypressEvents } from "node:readline";
import type { ReadStream } from "node:tty";

/** Calls a listener with the name of each key that is pressed, such as `up`, `return`, `q` or `ctrl-c`, until it is stopped. */
export type Keys = (listener: (key: string) => void) => () => void;

interface Pressed {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/** The keys of a terminal, which then shows none of them and sends no signals for them. */
export function keysOf(stdin: ReadStream): Keys {
  return (listener) => {
    const onKey = (text: string | undefined, { name, ctrl }: Pressed): void =>
      listener(ctrl === true ? `ctrl-${name}` : (name ?? text ?? ""));
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.on("keypress", onKey).resume();
    return () => {
      stdin.off("keypress", onKey).pause();
      stdin.setRawMode(false);
    };
  };
}
