// A client that shows an MCP App in a frame, by the extension's own bridge. Runs in a browser; calls of tools go to the test.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

globalThis.showApp = async ({ html, input, result, theme }) => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.style.cssText = "width: 100%; height: 300px; border: 0";
  document.body.append(frame);
  const capabilities = { serverTools: {} };
  const bridge = new AppBridge(null, { name: "host", version: "1" }, capabilities, { hostContext: { theme } });
  bridge.oncalltool = (params) => globalThis.callTool(params);
  bridge.addEventListener("sizechange", ({ height }) => {
    if (height !== undefined) frame.style.height = `${height}px`;
  });
  const initialized = new Promise((resolve) => bridge.addEventListener("initialized", resolve));
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html;
  await initialized;
  await bridge.sendToolInput({ arguments: input });
  await bridge.sendToolResult(result);
  globalThis.setTheme = (next) => bridge.setHostContext({ theme: next });
};
