import { parseManifests } from "@plinth/platform";
import { expect, test } from "vitest";
import { conflicts } from "../src/local/conflicts.ts";
import type { LocalService } from "../src/local/local-service.ts";

function service(name: string, spec = "", core = false): LocalService {
  const text = `apiVersion: plinth.dev/v1alpha1\nkind: PlatformService\nmetadata: {name: ${name}}\nspec:\n  image: x:1\n${spec}`;
  const { services, problems } = parseManifests(text, `${name}.yaml`);
  expect(problems).toEqual([]);
  const [manifest] = services;
  if (!manifest) throw new Error("no manifest");
  return { name, manifest, file: `${name}.yaml`, folder: ".", core };
}

const schema = (of: string) => `  database: {schema: ${of}, migrations: {path: /app/migrations}}\n`;
const route = (path: string, more = "") => `  route: {rules: [{path: ${path}, authentication: None${more}}]}\n`;
const identity = service("identity", schema("identity") + route("/plinth.identity.v1.IdentityService/"), true);

test("services that have nothing in common get along", () => {
  expect(conflicts([identity, service("notes", schema("notes") + route("/notes.v1.NotesService/"))])).toEqual([]);
});

test.each([
  [
    "a schema of the platform",
    service("mine", schema("identity")),
    "mine.yaml: the database schema identity belongs to identity",
  ],
  ["a route of the platform", service("mine", route("/plinth.identity.v1.IdentityService/")), "belongs to identity"],
  [
    "a path inside a route of the platform",
    service("mine", route("/plinth.auth.v1.AuthService/Login", ", pathType: Exact")),
    "is the platform's own",
  ],
  [
    "the key set's path",
    service("mine", route("/.well-known/jwks.json", ", pathType: Exact")),
    "is the platform's own",
  ],
  ["the name of the command line", service("plinth-cli"), "the name plinth-cli is one of the platform's own"],
  ["the name of the gateway", service("gateway"), "the name gateway is one of the platform's own"],
  ["a name twice", service("identity"), "the name identity is taken by identity.yaml"],
  ["itself as dependency", service("mine", "  dependsOn: [mine]\n"), "mine cannot depend on itself"],
])("%s is refused, whatever the order of the files", (_, bad, message) => {
  for (const order of [
    [identity, bad],
    [bad, identity],
  ]) {
    expect(conflicts(order).join("\n")).toContain(message);
  }
});
