/** The part of nodemailer that is used. */
declare module "nodemailer" {
  export interface TransportOptions {
    readonly host: string;
    readonly port: number;
    readonly secure: boolean;
    readonly requireTLS: boolean;
    readonly ignoreTLS: boolean;
    readonly auth?: { readonly user: string; readonly pass: string };
    /** Milliseconds. */
    readonly connectionTimeout: number;
    readonly greetingTimeout: number;
    readonly socketTimeout: number;
    readonly dnsTimeout: number;
    readonly disableFileAccess: boolean;
    readonly disableUrlAccess: boolean;
  }

  export interface Mail {
    readonly from: { readonly name: string; readonly address: string };
    readonly to: string[];
    readonly subject: string;
    readonly text: string;
    readonly messageId: string;
    readonly headers: Readonly<Record<string, string>>;
  }

  export interface Transport {
    sendMail(mail: Mail): Promise<unknown>;
    close(): void;
  }

  export function createTransport(options: TransportOptions): Transport;
}
