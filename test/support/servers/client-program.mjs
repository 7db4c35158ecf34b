// A client as hooks and servers see it: a process that starts its server and, through a shell, whatever its connections to a socket ask
// for. Arguments: the socket, then the server's command line, where it has a server.
import { spawn } from "node:child_process";
import { createServer } from "node:net";

const [socket, ...server] = process.argv.slice(2);

createServer((connection) => {
  connection.once("data", (line) => {
    const shell = spawn("sh", ["-c", String(line).trim()], { stdio: ["pipe", "pipe", "ignore"] });
    connection.pipe(shell.stdin);
    shell.stdout.pipe(connection);
    for (const stream of [connection, shell.stdin]) stream.on("error", () => {});
  });
}).listen(socket, () => {
  process.stdout.write("listening\n");
  // The end of the input ends the server, or this process itself.
  if (server.length === 0) process.stdin.on("end", () => process.exit()).resume();
  else spawn(server[0], server.slice(1), { stdio: "inherit" }).on("exit", () => process.exit());
});
