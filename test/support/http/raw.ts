import net from "node:net";

/** Sends lines that `fetch` would never send to a server on this machine; returns what comes back. */
export function sendRaw(port: number, lines: readonly string[], body = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = net.connect(port, "127.0.0.1", () =>
      socket.write([...lines, "Connection: close", "", body].join("\r\n")),
    );
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.once("error", reject).once("close", () => resolve(answer));
  });
}

/** Asks for `/healthz` under a name that a browser would never be given by `fetch`. */
export function askAs(host: string, port: number): Promise<string> {
  return sendRaw(port, ["GET /healthz HTTP/1.1", `Host: ${host}`]);
}
