import net from "node:net";

/** Asks for `/healthz` under a name that a browser would never be given by `fetch`; returns what comes back. */
export function askAs(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = net.connect(port, "127.0.0.1", () =>
      socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    );
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.once("error", reject).once("close", () => resolve(answer));
  });
}
