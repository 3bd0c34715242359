import type { Route } from "../data/route.ts";
import { RouteTable } from "../data/route-table.ts";
import { compileCors } from "./compile-cors.ts";
import { compileRule } from "./compile-rule.ts";
import { comparePrecedence, type Precedence } from "./precedence.ts";
import { FieldReader } from "./read-field.ts";
import type { RouteObject, RouteProblem } from "./route-source.ts";

export interface Compiled {
  table: RouteTable;
  problems: readonly RouteProblem[];
}

interface Candidate {
  route: Route;
  rank: Precedence;
  origin: string;
}

const hostname = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Turns PlatformService objects into the route table. Pure; never throws on what a user wrote. */
export function compile(objects: readonly RouteObject[]): Compiled {
  const problems: RouteProblem[] = [];
  const candidates: Candidate[] = [];
  for (const { origin, object } of objects) {
    const reader = new FieldReader();
    candidates.push(...compileObject(reader, origin, object));
    problems.push(...reader.problems.map((problem) => ({ origin, ...problem })));
  }
  candidates.sort((a, b) => comparePrecedence(a.rank, b.rank));
  const winners: Candidate[] = [];
  const taken = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const { route } = candidate;
    const key = `${route.hostname} ${route.pathType} ${route.path}`;
    const winner = taken.get(key);
    if (winner === undefined) {
      taken.set(key, candidate);
      winners.push(candidate);
    } else {
      problems.push({
        origin: candidate.origin,
        field: `spec.route.rules[${candidate.rank.ruleIndex}].path`,
        message: `${route.path || "/"} is already routed to ${winner.route.service} (${winner.route.id}), which is older or earlier in order`,
      });
    }
  }
  return { table: RouteTable.of(winners.map((winner) => winner.route)), problems };
}

function compileObject(reader: FieldReader, origin: string, object: unknown): Candidate[] {
  const root = reader.record(object, "");
  const metadata = root && reader.record(root["metadata"], "metadata");
  const service = metadata && reader.text(metadata["name"], "metadata.name");
  if (root === undefined || metadata === undefined || service === undefined) return [];
  const spec = reader.record(root["spec"], "spec");
  if (spec === undefined || spec["route"] === undefined) return [];
  const route = reader.record(spec["route"], "spec.route");
  if (route === undefined) return [];
  const hostnames = compileHostnames(reader, route["hostnames"]);
  const before = reader.problems.length;
  const cors = compileCors(reader, route["cors"]);
  const corsProblem = reader.problems[before];
  const rules = Array.isArray(route["rules"]) ? (route["rules"] as unknown[]) : undefined;
  if (rules === undefined || rules.length === 0) {
    reader.report("spec.route.rules", "must list at least one rule");
    return [];
  }
  const identity = {
    created: stamp(metadata["creationTimestamp"]),
    namespace: typeof metadata["namespace"] === "string" ? metadata["namespace"] : "",
    name: service,
  };
  return rules.flatMap((value, ruleIndex) => {
    const rule = compileRule(reader, service, ruleIndex, value, cors);
    if (rule === undefined) return [];
    if (corsProblem && rule.invalid === undefined) rule.invalid = `${corsProblem.field} ${corsProblem.message}`;
    return hostnames.map((host) => ({
      origin,
      route: Object.freeze({ ...rule, hostname: host }),
      rank: { ...identity, ruleIndex, hostname: host, pathType: rule.pathType, path: rule.path },
    }));
  });
}

/** A route whose hostnames are all wrong serves no host at all, rather than every host. */
function compileHostnames(reader: FieldReader, value: unknown): string[] {
  if (value === undefined) return [""];
  if (!Array.isArray(value)) {
    reader.report("spec.route.hostnames", "must be a list of host names");
    return [];
  }
  if (value.length === 0) return [""];
  return value.flatMap((entry, i) => {
    const host = typeof entry === "string" ? entry.toLowerCase() : "";
    if (host !== "" && host.length <= 253 && hostname.test(host)) return [host];
    reader.report(`spec.route.hostnames[${i}]`, 'must be a DNS name, optionally starting with "*."');
    return [];
  });
}

function stamp(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? value : "";
}
