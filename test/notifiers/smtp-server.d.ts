/** The part of smtp-server that tests use. */
declare module "smtp-server" {
  import type { EventEmitter } from "node:events";
  import type { Server } from "node:net";
  import type { Readable } from "node:stream";

  type Done = (error?: Error) => void;

  export interface SMTPServerOptions {
    readonly authOptional?: boolean;
    readonly disabledCommands?: string[];
    readonly onData?: (stream: Readable, session: unknown, done: Done) => void;
    readonly onRcptTo?: (address: { readonly address: string }, session: unknown, done: Done) => void;
  }

  export class SMTPServer extends EventEmitter {
    constructor(options: SMTPServerOptions);
    readonly server: Server;
    listen(port: number, host: string): Server;
    close(): void;
  }
}
