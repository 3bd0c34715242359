import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isJsonObject } from "@plinth/rpc";

/** What one service adds to a merged document. */
export interface MergePart {
  service: string;
  /** Those that are to be in it. */
  paths: JsonObject;
  document: JsonObject;
}

export interface Merged {
  tags: JsonValue[];
  paths: JsonObject;
  components: JsonObject;
}

/** Components by "kind/name", as references have it. */
type Components = Map<string, JsonValue>;

/**
 * Puts the paths of several OpenAPI documents into one, with the components that they refer to and no others. Of two
 * parts with the same method and path the first one has it. Names that mean different things in two parts are told apart:
 * the later one is called `SERVICE.NAME`.
 */
export function mergeDocuments(parts: readonly MergePart[]): Merged {
  const components: Components = new Map();
  const paths = new Map<string, JsonObject>();
  const tags = new Map<string, JsonObject>();
  const operationIds = new Set<string>();
  for (const part of parts) {
    const own = componentsOf(part);
    const names = namesFor(own, components, part.service);
    const rename = (ref: string): string => names.get(ref) ?? ref;
    for (const [ref, value] of own) components.set(rename(ref), renamed(value, rename));
    const tagName = takeTags(part, tags);
    for (const [path, item] of Object.entries(part.paths)) {
      const merged = paths.get(path) ?? {};
      for (const [key, value] of Object.entries(item as JsonObject)) {
        if (Object.hasOwn(merged, key)) continue;
        merged[key] = isJsonObject(value)
          ? operationOf(value, { rename, tagName, operationIds, part })
          : renamed(value, rename);
      }
      paths.set(path, merged);
    }
  }
  return { tags: [...tags.values()], paths: sorted(paths), components: grouped(components) };
}

/** What a part's paths refer to, directly and through each other; ways to prove who calls are named otherwise. */
function componentsOf({ paths, document }: MergePart): Components {
  const all = isJsonObject(document["components"]) ? document["components"] : {};
  const found: Components = new Map();
  const visit = (value: JsonValue): void => {
    for (const ref of refsIn(value)) {
      const [kind = "", name = ""] = ref.split("/", 2);
      const target = ofKind(all, kind)[name];
      if (target === undefined || found.has(ref)) continue;
      found.set(ref, target);
      visit(target);
    }
  };
  visit(paths);
  if (Object.keys(paths).length > 0)
    for (const [name, scheme] of Object.entries(ofKind(all, "securitySchemes")))
      found.set(`securitySchemes/${name}`, scheme);
  return found;
}

function ofKind(components: JsonObject, kind: string): JsonObject {
  const found = Object.hasOwn(components, kind) ? components[kind] : undefined;
  return isJsonObject(found) ? found : {};
}

/** New names for those that are taken by something else, and for all that refer to such a one and are taken. */
function namesFor(own: Components, taken: Components, service: string): Map<string, string> {
  const names = new Map<string, string>();
  const referring = new Map<string, string[]>();
  for (const [ref, value] of own)
    for (const to of refsIn(value)) referring.set(to, [...(referring.get(to) ?? []), ref]);
  const rename = (ref: string): void => {
    if (names.has(ref) || !taken.has(ref)) return;
    names.set(
      ref,
      freeName(ref, service, (name) => taken.has(name) || own.has(name)),
    );
    for (const other of referring.get(ref) ?? []) rename(other);
  };
  for (const [ref, value] of own) if (JSON.stringify(taken.get(ref)) !== JSON.stringify(value)) rename(ref);
  return names;
}

function freeName(ref: string, service: string, isTaken: (name: string) => boolean): string {
  const [kind = "", name = ""] = ref.split("/", 2);
  const wanted = `${kind}/${nameOf(service)}.${name}`;
  for (let i = 2, at = wanted; ; at = `${wanted}_${i++}`) if (!isTaken(at)) return at;
}

/** Names of components hold these characters only; those of services on Kubernetes have a slash. */
const nameOf = (service: string): string => service.replaceAll(/[^A-Za-z0-9._-]/g, "-");

const refPrefix = "#/components/";

function refsIn(value: JsonValue): string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = isJsonObject(value) && typeof value["$ref"] === "string" ? value["$ref"] : "";
  const inner = Object.values(value).flatMap((one) => refsIn(one as JsonValue));
  return own.startsWith(refPrefix) ? [own.slice(refPrefix.length), ...inner] : inner;
}

function renamed(value: JsonValue, rename: (ref: string) => string): JsonValue {
  if (Array.isArray(value)) return value.map((one) => renamed(one, rename));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, JsonValue] =>
    key === "$ref" && typeof inner === "string" && inner.startsWith(refPrefix)
      ? [key, refPrefix + rename(inner.slice(refPrefix.length))]
      : [key, renamed(inner as JsonValue, rename)],
  );
  return Object.fromEntries(entries);
}

/** Takes the tags that the part's operations have; returns what they are called in the merged document. */
function takeTags({ service, document, paths }: MergePart, tags: Map<string, JsonObject>): (name: string) => string {
  const names = new Map<string, string>();
  const used = new Set(
    Object.values(paths).flatMap((item) =>
      Object.values(item as JsonObject).flatMap((one) => (isJsonObject(one) ? textsOf(one["tags"]) : [])),
    ),
  );
  for (const tag of Array.isArray(document["tags"]) ? document["tags"] : []) {
    if (!isJsonObject(tag) || typeof tag["name"] !== "string" || !used.has(tag["name"])) continue;
    const name = tags.has(tag["name"]) ? `${service}.${tag["name"]}` : tag["name"];
    names.set(tag["name"], name);
    tags.set(name, { ...tag, name });
  }
  return (name) => names.get(name) ?? name;
}

interface OperationNames {
  rename: (ref: string) => string;
  tagName: (name: string) => string;
  operationIds: Set<string>;
  part: MergePart;
}

function operationOf(operation: JsonObject, { rename, tagName, operationIds, part }: OperationNames): JsonObject {
  const own = renamed(operation, rename) as JsonObject;
  const id = own["operationId"];
  if (typeof id === "string") {
    const free = operationIds.has(id) ? freeId(`${nameOf(part.service)}.${id}`, operationIds) : id;
    operationIds.add(free);
    own["operationId"] = free;
  }
  if (own["tags"] !== undefined) own["tags"] = textsOf(own["tags"]).map(tagName);
  if (Array.isArray(own["security"]))
    own["security"] = own["security"].map((one) =>
      isJsonObject(one)
        ? Object.fromEntries(Object.entries(one).map(([name, scopes]) => [schemeName(name, rename), scopes]))
        : one,
    );
  return own;
}

function freeId(wanted: string, taken: ReadonlySet<string>): string {
  for (let i = 2, at = wanted; ; at = `${wanted}_${i++}`) if (!taken.has(at)) return at;
}

const schemeName = (name: string, rename: (ref: string) => string): string =>
  rename(`securitySchemes/${name}`).replace("securitySchemes/", "");

const textsOf = (value: JsonValue | undefined): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];

const sorted = (entries: ReadonlyMap<string, JsonObject>): JsonObject =>
  Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));

function grouped(components: Components): JsonObject {
  const byKind = Map.groupBy(components, ([ref]) => ref.split("/", 1)[0] ?? "");
  return Object.fromEntries(
    [...byKind].map(([kind, entries]) => [
      kind,
      Object.fromEntries(
        entries
          .map(([ref, value]) => [ref.slice(kind.length + 1), value] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
    ]),
  );
}
