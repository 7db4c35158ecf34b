import type { TestApp } from "../servers/app.js";

/** A resource that one agent has and another waits for, until it is freed. */
export async function resourceDay({ call }: TestApp): Promise<void> {
  await call("register_resource", { agent: "ben", id: "oven", type: "custom", capacity: { trays: 2 } });
  const trays = { requirements: { oven: { trays: 2 }, cpu: { cores: 0.1 } }, ttl_seconds: 60 };
  await call("allocate_resources", { agent: "ben", ...trays });
  await call("allocate_resources", { agent: "ann", ...trays, wait_seconds: 0.01 });
  await call("deallocate_resources", { agent: "ben" });
}
