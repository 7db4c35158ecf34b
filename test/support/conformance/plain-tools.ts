import { type CallToolResult, fromJsonSchema, type McpServer, type ServerContext } from "@modelcontextprotocol/server";

/** A red pixel, and a sound of no length. */
const IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const AUDIO = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
export const image = { type: "image", data: IMAGE, mimeType: "image/png" } as const;

export function said(text: string) {
  return { type: "text", text } as const;
}

export function resourceOf(uri: string, text: string, mimeType = "text/plain") {
  return { type: "resource", resource: { uri, mimeType, text } } as const;
}

/** Tools that answer with one kind of content each, as the conformance suite names them. */
const ANSWERS: Readonly<Record<string, CallToolResult["content"]>> = {
  test_simple_text: [said("This is a simple text response for testing.")],
  test_image_content: [image],
  test_audio_content: [{ type: "audio", data: AUDIO, mimeType: "audio/wav" }],
  test_embedded_resource: [resourceOf("test://embedded-resource", "This is an embedded resource content.")],
  test_multiple_content_types: [
    said("Multiple content types test:"),
    image,
    resourceOf("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
  ],
  test_streaming_elicitation: [said("no request of the server's own in this stream")],
};

const STEPS = [0, 50, 100];

/** Reports progress where it was asked for. */
async function progressed({ mcpReq }: ServerContext): Promise<CallToolResult> {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken !== undefined)
    for (const progress of STEPS)
      await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
  return { content: [said(String(progressToken))] };
}

/** Logs whether it was asked for or not, as protocol 2025-11-25 has it. */
async function logged({ mcpReq }: ServerContext): Promise<CallToolResult> {
  for (const data of ["started", "goes on", "completed"])
    await mcpReq.notify({ method: "notifications/message", params: { level: "info", data } });
  return { content: [said("Tool with logging executed successfully")] };
}

/** Logs where it was asked for, as protocol 2026-07-28 has it. */
async function loggedIfAsked({ mcpReq }: ServerContext): Promise<CallToolResult> {
  // oxlint-disable-next-line typescript/no-deprecated -- the suite asks for it
  await mcpReq.log("info", "logged");
  return { content: [said("logged")] };
}

/** Every keyword that a list of tools must not lose. */
const WIDE_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
} as const;

/** One of whose arguments also stands in a header of the request. */
const HEADER_SCHEMA = {
  type: "object",
  properties: { region: { type: "string", "x-mcp-header": "Region" }, level: { type: "integer" } },
} as const;

/** Registers the tools of the suite that ask nothing. */
export function registerPlainTools(server: McpServer): void {
  const tool = (name: string, run: (context: ServerContext) => Promise<CallToolResult>) =>
    server.registerTool(name, { description: name }, run);
  for (const [name, content] of Object.entries(ANSWERS)) tool(name, async () => ({ content }));
  tool("test_error_handling", () => Promise.reject(new Error("This tool intentionally returns an error for testing")));
  tool("test_tool_with_progress", progressed);
  tool("test_tool_with_logging", logged);
  tool("test_logging_tool", loggedIfAsked);
  const wide = { description: "wide", inputSchema: fromJsonSchema(WIDE_SCHEMA) };
  server.registerTool("json_schema_2020_12_tool", wide, async () => ({ content: [said("called")] }));
  const mirrored = { description: "mirrored", inputSchema: fromJsonSchema(HEADER_SCHEMA) };
  server.registerTool("test_x_mcp_header", mirrored, async () => ({ content: [said("called")] }));
}
