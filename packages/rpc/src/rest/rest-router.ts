import type { PathTemplate } from "./path-template.ts";

/** What a router leads to: one method of HTTP (`*` for all) at one path template. */
export interface Routable {
  method: string;
  template: PathTemplate;
}

export type RestMatch<T> =
  | { kind: "found"; target: T; values: ReadonlyMap<readonly string[], string> }
  /** The path is there, but not for this method. Sorted. */
  | { kind: "method"; allowed: readonly string[] }
  | { kind: "none" }
  /** The path cannot be decoded. */
  | { kind: "malformed" };

export interface RestRouter<T> {
  /** `path` as it came, percent-encoded, without the query. */
  match(method: string, path: string): RestMatch<T>;
}

interface Node<T> {
  literals: Map<string, Node<T>>;
  one?: Node<T>;
  rest?: Node<T>;
  /** By verb (empty for none), then by HTTP method. */
  ends: Map<string, Map<string, T>>;
}

/**
 * Finds the target of a path. At each segment a literal goes before `*` and `*` before `**`; among all templates that
 * fit, the first in this order that takes the method wins. What follows the last colon is a verb when a template has it
 * there, and otherwise belongs to the segment. Throws Error for two targets that no request could tell apart.
 */
export function createRestRouter<T extends Routable>(targets: readonly T[]): RestRouter<T> {
  const root = newNode<T>();
  for (const target of targets) insert(root, target);
  return {
    match(method, path) {
      const raw = path.slice(1).split("/");
      const segments = decodeAll(raw);
      if (!path.startsWith("/") || segments === undefined) return { kind: "malformed" };
      const allowed = new Set<string>();
      for (const end of endsOf(root, raw, segments)) {
        const target = end.get(method) ?? end.get("*");
        if (target !== undefined) return { kind: "found", target, values: valuesOf(target.template, raw, segments) };
        for (const other of end.keys()) allowed.add(other);
      }
      return allowed.size > 0 ? { kind: "method", allowed: [...allowed].toSorted() } : { kind: "none" };
    },
  };
}

const newNode = <T>(): Node<T> => ({ literals: new Map(), ends: new Map() });

function insert<T extends Routable>(root: Node<T>, target: T): void {
  let node = root;
  for (const segment of target.template.segments) {
    if (segment.kind === "literal") {
      const next = node.literals.get(segment.text) ?? newNode<T>();
      node.literals.set(segment.text, next);
      node = next;
    } else {
      node[segment.kind] ??= newNode<T>();
      node = node[segment.kind] as Node<T>;
    }
  }
  const { verb, text } = target.template;
  const methods = node.ends.get(verb) ?? new Map<string, T>();
  const taken = methods.get(target.method);
  if (taken) throw new Error(`${target.method} ${text} and ${target.method} ${taken.template.text} are the same path`);
  methods.set(target.method, target);
  node.ends.set(verb, methods);
}

/** The ends that fit, best first: those with the verb, then those that take the last segment whole. */
function* endsOf<T>(root: Node<T>, raw: readonly string[], segments: readonly string[]): Generator<Map<string, T>> {
  // Only a colon that was sent as one begins a verb.
  const last = raw.at(-1) ?? "";
  const colon = last.lastIndexOf(":");
  if (colon !== -1) {
    const verb = decode(last.slice(colon + 1)) ?? "";
    if (verb !== "") yield* walk(root, [...segments.slice(0, -1), decode(last.slice(0, colon)) ?? ""], 0, verb);
  }
  yield* walk(root, segments, 0, "");
}

function* walk<T>(node: Node<T>, segments: readonly string[], at: number, verb: string): Generator<Map<string, T>> {
  const segment = segments[at];
  if (segment === undefined) {
    const end = node.ends.get(verb);
    if (end) yield end;
  } else {
    const literal = node.literals.get(segment);
    if (literal) yield* walk(literal, segments, at + 1, verb);
    if (node.one && segment !== "") yield* walk(node.one, segments, at + 1, verb);
  }
  const rest = node.rest?.ends.get(verb);
  if (rest) yield rest;
}

/** The variables' values by their field paths. */
function valuesOf(
  { variables, verb }: PathTemplate,
  raw: readonly string[],
  segments: readonly string[],
): Map<readonly string[], string> {
  const values = new Map<readonly string[], string>();
  for (const { path, from, to, multi } of variables) {
    const own = (multi ? raw.map(decodeExceptSlash) : segments).slice(from, Math.min(to, raw.length));
    if (verb !== "" && to >= raw.length) {
      const lastRaw = (raw.at(-1) ?? "").slice(0, (raw.at(-1) ?? "").lastIndexOf(":"));
      own[own.length - 1] = multi ? decodeExceptSlash(lastRaw) : (decode(lastRaw) ?? "");
    }
    values.set(path, own.join("/"));
  }
  return values;
}

function decodeAll(raw: readonly string[]): string[] | undefined {
  const decoded: string[] = [];
  for (const segment of raw) {
    const text = decode(segment);
    if (text === undefined) return undefined;
    decoded.push(text);
  }
  return decoded;
}

/** Undefined for broken percent-encoding and for what is no UTF-8. */
function decode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** In a value of several segments an encoded slash stays as it came: it is no separator. */
const decodeExceptSlash = (text: string): string =>
  text
    .split(/(%2f)/i)
    .map((part) => (/^%2f$/i.test(part) ? part : (decode(part) ?? part)))
    .join("");
