import {
  createRegistry,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { LogService } from "@plinth/proto/plinth/audit/v1/log";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bindRequest } from "../../src/rest/bind-request.ts";
import { type HttpBinding, httpBindingsOf } from "../../src/rest/http-bindings.ts";
import { createRestRouter } from "../../src/rest/rest-router.ts";
import { jsonOf, pathTextOf } from "./arbitrary-json.ts";
import { libraryService } from "./library-service.ts";
import { writeRequest } from "./write-request.ts";

const services = [AuditService, LogService, AuthService, AuthzService, IdentityService, libraryService()];
const registry = createRegistry(...services.map((service) => service.file));
const bindings = services.flatMap((service) => httpBindingsOf(service));
const router = createRestRouter(bindings);

describe("every request that an option can carry comes back as it was", () => {
  test.each(bindings.map((binding) => [binding.method, binding.template.text, binding] as const))(
    "%s %s",
    (_, __, binding) => {
      const { input } = binding.rpc;
      fc.assert(
        fc.property(jsonOf(input, binding), pathTextOf(input, binding), (free, inPath) => {
          const json = carried(binding, written(input, merged(free, inPath)));
          const sent = writeRequest(binding, json);
          const match = router.match(sent.method, sent.path);
          if (match.kind !== "found") throw new Error(`${sent.method} ${sent.path} leads to ${match.kind}`);
          expect(match.target).toBe(binding);
          const bound = bindRequest(match.target, { ...sent, values: match.values }, registry);
          expect(toJson(input, bound, { registry })).toEqual(json);
        }),
        { numRuns: 60 },
      );
    },
  );
});

/** ProtoJSON as it is written: without what has its default. */
const written = (input: DescMessage, json: JsonObject): JsonObject =>
  toJson(input, fromJson(input, json, { registry }), { registry }) as JsonObject;

/** A query cannot say that a message is there when nothing is in it. */
function carried({ body }: Pick<HttpBinding, "body">, json: JsonObject): JsonObject {
  if (body === "all") return json;
  const kept = Object.entries(json).flatMap(([name, value]) => {
    if (!isObject(value) || (body !== "none" && name === body.jsonName)) return [[name, value] as const];
    const inside = carried({ body: "none" }, value);
    return Object.keys(inside).length > 0 ? [[name, inside] as const] : [];
  });
  return Object.fromEntries(kept);
}

function merged(free: JsonObject, inPath: JsonObject): JsonObject {
  const both: JsonObject = { ...free };
  for (const [name, value] of Object.entries(inPath))
    both[name] = isObject(value) && isObject(both[name]) ? merged(both[name], value) : value;
  return both;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
