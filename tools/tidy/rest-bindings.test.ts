import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { access, httpBindingsOf } from "@plinth/rpc";
import { openApiDocument } from "@plinth/rpc/openapi";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { root } from "../run.ts";
import { repositoryFiles } from "./repository-files.ts";

/** RPCs that nobody calls through the gateway, each with the reason. */
const internalRpcs: Record<string, string> = {
  "plinth.audit.v1.ConfigurationService/ReportConfiguration":
    "services tell what they run with, and no route leads there",
  "plinth.identity.v1.IdentityService/VerifyPassword": "only the auth service may call it",
};

const isService = (value: unknown): value is DescService => (value as { kind?: string } | null)?.kind === "service";

async function servicesOf(...globs: string[]): Promise<DescService[]> {
  const files = globs.flatMap((glob) => globSync(glob, { cwd: root }).toSorted());
  const modules: Record<string, unknown>[] = await Promise.all(files.map((file) => import(path.join(root, file))));
  return modules.flatMap((module) => Object.values(module)).filter(isService);
}

const services = await servicesOf("proto/gen/plinth/*/v1/*_pb.ts", "examples/*/gen/*/v1/*_pb.ts");
const bindings = services.flatMap((service) => httpBindingsOf(service));
const nameOf = (rpc: DescMethod): string => `${rpc.parent.typeName}/${rpc.name}`;

test("every RPC that is called from outside has a path, and no other", () => {
  const all = services.flatMap((service) => service.methods.map(nameOf));
  expect(all.length).toBeGreaterThan(40);
  const bound = new Set(bindings.map(({ rpc }) => nameOf(rpc)));
  expect(all.filter((name) => !bound.has(name))).toEqual(Object.keys(internalRpcs));
});

test("no two have the same path", () => {
  const shapes = bindings.map(({ method, template: { segments, verb } }) => {
    const parts = segments.map((segment) => (segment.kind === "literal" ? segment.text : segment.kind));
    return `${method} /${parts.join("/")}:${verb}`;
  });
  expect(shapes.filter((shape, at) => shapes.indexOf(shape) !== at)).toEqual([]);
});

test.each(bindings.map((binding) => [binding.method, binding.template.text, binding] as const))(
  "%s %s is what the method says",
  (method, text, { rpc, body }) => {
    const service = rpc.parent.typeName.split(".").at(-3);
    expect(text).toMatch(new RegExp(`^/${service}/v1/[a-z]`));
    const harmless = rpc.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    if (method === "GET") expect(harmless).toBe(true);
    // AIP-136: what only reads may be a POST where its request is too much for a query, but never PUT, PATCH or DELETE.
    else if (harmless) expect(method).toBe("POST");
    expect(body === "none").toBe(method === "GET" || method === "DELETE");
  },
);

test.each(services.map((service) => [service.typeName, service] as const))(
  "the OpenAPI document of %s has every path, each with what its proto says about it",
  async (_, service) => {
    const folder = service.file.name.slice(0, service.file.name.lastIndexOf("/"));
    const [found] = globSync(`{proto,examples/*}/gen/${folder}/comments.ts`, { cwd: root });
    const { comments } = await import(path.join(root, found ?? `no comments.ts for ${folder}`));
    const routes = new Map(
      service.methods.map(({ localName }) => [localName, { access: access.public, handle: () => undefined }]),
    );
    const document = openApiDocument({ title: "t", version: "1", services: [{ service, routes }], comments });
    const operations = Object.values(document["paths"] as Record<string, object>).flatMap((item) =>
      Object.values(item),
    );
    const own = bindings.filter(({ rpc }) => rpc.parent === service);
    expect(operations.map((one) => one["x-plinth-rpc"]).sort()).toEqual(own.map(({ rpc }) => nameOf(rpc)).sort());
    for (const { summary } of operations) expect(summary).toMatch(/^[A-Z].*\.$/);
  },
);

interface Rule {
  path: string;
  pathType?: "Exact" | "Prefix";
}

test("the gateway has a route to every path, at the service that answers there", () => {
  const manifests = repositoryFiles("{services,examples}/*/platformservice.yaml").map((file) =>
    parse(readFileSync(path.join(root, file), "utf8")),
  );
  const missing = bindings.filter(({ rpc, template: { text } }) => {
    const name = rpc.parent.typeName.split(".").at(-3);
    const manifest = manifests.find(({ metadata }) => metadata.name === name);
    return !manifest?.spec.route.rules.some((rule: Rule) =>
      rule.pathType === "Exact" ? rule.path === text : text.startsWith(rule.path),
    );
  });
  expect(missing.map(({ template }) => template.text)).toEqual([]);
});
