// The least that anybody starts with: the SDK's own server on stdio.
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";

// oxlint-disable-next-line typescript/no-deprecated -- McpServer, which it is to give way to, costs more
const server = new Server({ name: "bare", version: "1.0.0" }, { capabilities: {} });
await server.connect(new StdioServerTransport());
