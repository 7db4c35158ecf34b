import type { TestApp } from "../servers/app.js";

/** A token is made, again under the same request id, and revoked twice. */
export async function accessDay({ call }: TestApp): Promise<void> {
  for (let n = 0; n < 2; n++)
    await call("create_access_token", { role: "worker", agents: ["ann"], request_id: "token" });
  const { tokens } = await call("list_access_tokens", {});
  for (let n = 0; n < 2; n++) await call("revoke_access_token", { id: tokens[0]!.id });
}
