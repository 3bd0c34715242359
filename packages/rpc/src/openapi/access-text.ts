import type { AccessRule } from "../access.ts";

/** Who may call, for people. */
export function accessText(rule: AccessRule): string {
  switch (rule.kind) {
    case "public":
      return "everybody";
    case "authenticated":
      return "every signed-in user and every service";
    case "service":
      return rule.names.length === 0 ? "services of the platform" : `the services ${rule.names.join(", ")}`;
    case "permission": {
      const object = typeof rule.object === "string" ? rule.object : "what the request is about";
      return `whoever has ${rule.relation} on ${object}`;
    }
    case "self":
      return "users, about themselves";
    case "any":
      return rule.rules.map(accessText).join("; or ");
  }
}

/** Which credentials a call needs, as security requirements of OpenAPI: any one of the list. Empty: none. */
export function securityOf(rule: AccessRule): Record<string, string[]>[] {
  if (isPublic(rule)) return [];
  const wayIn = ways(rule);
  return [...(wayIn.has("bearer") ? [{ bearer: [] }] : []), ...(wayIn.has("workload") ? [{ workload: [] }] : [])];
}

const isPublic = (rule: AccessRule): boolean =>
  rule.kind === "public" || (rule.kind === "any" && rule.rules.some(isPublic));

function ways(rule: AccessRule): Set<"bearer" | "workload"> {
  if (rule.kind === "any") return new Set(rule.rules.flatMap((one) => [...ways(one)]));
  return new Set([rule.kind === "service" ? "workload" : "bearer"]);
}
