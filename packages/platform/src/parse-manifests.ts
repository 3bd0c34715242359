import { type Document, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, visit } from "yaml";
import { applyDefaults } from "./defaults.ts";
import type { NormalPlatformService, PlatformService } from "./platform-service.ts";
import { type Finding, formatPath, type Path, type Problem } from "./problem.ts";
import { validate } from "./validate.ts";

/** Longest text of one manifest file in UTF-16 units. */
export const manifestMaxLength = 1_048_576;

export interface ParsedManifests {
  /** The valid ones, with defaults, in the file's order. */
  services: NormalPlatformService[];
  /** In the file's order; empty when everything is valid. */
  problems: Problem[];
}

/** Reads a YAML (or JSON) file of one or more PlatformServices. Never throws on what the file holds. */
export function parseManifests(text: string, fileName: string): ParsedManifests {
  if (text.length > manifestMaxLength) {
    const message = `is larger than the ${manifestMaxLength / 1024} KiB that a manifest may have`;
    return { services: [], problems: [{ file: fileName, line: 1, column: 1, path: "", message }] };
  }
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const result: ParsedManifests = { services: [], problems: [] };
  for (const document of Array.isArray(documents) ? documents : []) {
    readDocument(document, fileName, lines, result);
  }
  if (result.services.length === 0 && result.problems.length === 0) {
    const message = "holds no PlatformService; a manifest starts with apiVersion: plinth.dev/v1alpha1";
    result.problems.push({ file: fileName, line: 1, column: 1, path: "", message });
  }
  repeatedNames(result, fileName);
  return result;
}

function readDocument(document: Document, file: string, lines: LineCounter, result: ParsedManifests): void {
  for (const error of document.errors) {
    result.problems.push({
      file,
      ...position(lines, error.pos[0]),
      path: "",
      message: `is not valid YAML: ${error.message}`,
    });
  }
  if (document.errors.length > 0) return;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 50 });
  } catch (err) {
    result.problems.push({
      file,
      ...position(lines, unresolvedAlias(document)),
      path: "",
      message: `is not valid YAML: ${(err as Error).message}`,
    });
    return;
  }
  if (value === null || value === undefined) return;
  const findings = otherKind(value) ?? validate(value);
  if (findings.length === 0) {
    result.services.push(applyDefaults(value as PlatformService));
    return;
  }
  const problems = findings.map((finding) => ({
    file,
    ...position(lines, offsetOf(document, finding)),
    path: formatPath(finding.path),
    message: finding.message,
  }));
  result.problems.push(...problems.sort((a, b) => a.line - b.line || a.column - b.column));
}

/** Where an alias without an anchor stands; the beginning when that is not what is wrong. */
function unresolvedAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return undefined;
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** Says at once that a document is something else, instead of listing all the fields that it lacks. */
function otherKind(value: unknown): Finding[] | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path: [], message: "must be a PlatformService: a map with apiVersion, kind, metadata and spec" }];
  }
  const kind = (value as Record<string, unknown>)["kind"];
  if (kind === undefined || kind === "PlatformService") return undefined;
  if (typeof kind === "string" && /^platformservice$/i.test(kind)) return undefined;
  return [
    {
      path: ["kind"],
      message: `is ${String(kind)}; only PlatformService is read here, put other kinds into files of their own`,
    },
  ];
}

function offsetOf(document: Document, finding: Finding): number {
  const { atKey } = finding;
  const path = finding.shownAt ?? finding.path;
  for (let depth = path.length; depth >= 0; depth--) {
    const offset =
      depth === path.length && atKey ? keyOffset(document, path) : valueOffset(document, path.slice(0, depth));
    if (offset !== undefined) return offset;
  }
  return 0;
}

function valueOffset(document: Document, path: Path): number | undefined {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  // The key reads better than the first line below it, which is where a block map or list starts.
  if (isMap(node) || isSeq(node)) return (path.length > 0 ? keyOffset(document, path) : undefined) ?? node.range?.[0];
  return isNode(node) ? node.range?.[0] : undefined;
}

function keyOffset(document: Document, path: Path): number | undefined {
  const last = path.at(-1);
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find(
    (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
  );
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function repeatedNames(result: ParsedManifests, file: string): void {
  const seen = new Set<string>();
  for (const { metadata } of result.services) {
    const message = `holds two services of the name ${metadata.name}; a name is unique`;
    if (seen.has(metadata.name)) result.problems.push({ file, line: 1, column: 1, path: "metadata.name", message });
    seen.add(metadata.name);
  }
}
