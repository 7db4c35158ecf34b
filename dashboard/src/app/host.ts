/** The protocol between an app and the client that shows it in a frame (MCP Apps, SEP-1865). */
const PROTOCOL_VERSION = "2026-01-26";

type Fields = Readonly<Record<string, unknown>>;

interface Message {
  readonly jsonrpc: "2.0";
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Fields;
  readonly result?: Fields;
  readonly error?: { readonly message?: string };
}

interface Waiting {
  resolve(result: Fields): void;
  reject(error: Error): void;
}

/** The client around the app: JSON-RPC by messages between the two windows. */
export class Host {
  readonly #waiting = new Map<number | string, Waiting>();
  readonly #told: (method: string, params: Fields) => void;
  #requests = 0;

  /** `told` hears the notifications of the host. */
  constructor(told: (method: string, params: Fields) => void) {
    this.#told = told;
    window.addEventListener("message", ({ source, data }: MessageEvent<unknown>) => {
      if (source === window.parent && isMessage(data)) this.#hear(data);
    });
  }

  /** Says what this app is. Returns what the host says of itself; from then on it tells. */
  async initialize(name: string): Promise<Fields> {
    const answer = await this.request("ui/initialize", {
      appInfo: { name, version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
      protocolVersion: PROTOCOL_VERSION,
    });
    this.tell("ui/notifications/initialized", {});
    return answer;
  }

  request(method: string, params: Fields): Promise<Fields> {
    const id = ++this.#requests;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ jsonrpc: "2.0", id, method, params });
    });
  }

  tell(method: string, params: Fields): void {
    this.#post({ jsonrpc: "2.0", method, params });
  }

  /** Tells the host how high the app is, whenever that changes. */
  tellSizes(): void {
    let told = 0;
    new ResizeObserver(() => {
      const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
      if (height === told) return;
      told = height;
      this.tell("ui/notifications/size-changed", { width: window.innerWidth, height });
    }).observe(document.documentElement);
  }

  #hear({ id, method, params = {}, result, error }: Message): void {
    if (method === undefined) {
      const waiting = this.#waiting.get(id ?? "");
      this.#waiting.delete(id ?? "");
      if (error === undefined) waiting?.resolve(result ?? {});
      else waiting?.reject(new Error(error.message ?? "The client refused the call."));
    } else if (id === undefined) this.#told(method, params);
    // `ping` and `ui/resource-teardown`: nothing is kept here that could be lost.
    else this.#post({ jsonrpc: "2.0", id, result: {} });
  }

  #post(message: Message): void {
    // The app cannot know where its host is served from, and what it says to it is no secret of this server: it came through it.
    window.parent.postMessage(message, "*");
  }
}

function isMessage(data: unknown): data is Message {
  return typeof data === "object" && data !== null && "jsonrpc" in data && data.jsonrpc === "2.0";
}
