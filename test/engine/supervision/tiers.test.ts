import { describe, expect, test } from "vitest";
import { highestTier, rolesFrom, rolesOfTier, tierOfRole, tierOver } from "../../../src/engine/supervision/tiers.js";

describe("tiers of roles", () => {
  test("have the documented roles where a project names none, and every other role executes", () => {
    for (const role of ["tech_lead", "security_reviewer", "architect"]) expect(tierOfRole({}, role)).toBe("architect");
    for (const role of ["code_reviewer", "project_manager", "lead"]) expect(tierOfRole({}, role)).toBe("lead");
    for (const role of ["backend", "frontend", "database", "ux", "anything", undefined])
      expect(tierOfRole({}, role)).toBe("execution");
  });

  test("are named tier by tier; a role that a project moves leaves its default tier", () => {
    const config = { supervision: { lead: ["tech_lead", "reviewer"] } };
    expect(tierOfRole(config, "tech_lead")).toBe("lead");
    expect(tierOfRole(config, "code_reviewer")).toBe("execution");
    expect(rolesOfTier(config, "architect")).toEqual(["security_reviewer", "architect"]);
    expect(rolesFrom(config, "lead")).toEqual(["tech_lead", "reviewer", "security_reviewer", "architect"]);
  });

  test("go up to a person", () => {
    expect((["execution", "lead", "architect"] as const).map(tierOver)).toEqual(["lead", "architect", "human"]);
  });

  test("include the highest one of an agent with several roles", () => {
    expect(highestTier({}, ["backend", "tech_lead", "lead"])).toBe("architect");
    expect(highestTier({}, ["backend", "lead"])).toBe("lead");
    expect(highestTier({}, [])).toBe("execution");
  });
});
