import { describe, expect, test } from "vitest";
import { locateService, qualifiedServiceName } from "../src/index.ts";

const platformNamespace = "plinth";

describe("names of services", () => {
  test.each([
    ["notes", undefined, "notes"],
    ["notes", "plinth", "notes"],
    ["notes", "team-a", "notes.team-a"],
    // A neighbour of that name must not pass for the platform's.
    ["auth", "team-a", "auth.team-a"],
  ])("%s in %s is known as %s", (name, namespace, qualified) => {
    expect(qualifiedServiceName(name, { namespace, platformNamespace })).toBe(qualified);
  });

  test.each([
    ["notes", "team-a", "notes", "team-a"],
    ["auth", "team-a", "auth", "plinth"],
    ["auth", "plinth", "auth", "plinth"],
    ["notes.team-b", "team-a", "notes", "team-b"],
    ["auth.team-b", "team-a", "auth", "team-b"],
  ])("%s called from %s is %s in %s", (service, namespace, name, where) => {
    expect(locateService(service, { namespace, platformNamespace })).toEqual({ name, namespace: where });
  });
});
