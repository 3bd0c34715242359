import { Fault } from "@plinth/kernel";
import { limits } from "../limits.ts";
import type { ModelModule } from "./model.ts";

/** A line of a module with its number there, from 1. */
export interface SourceLine {
  module: string;
  line: number;
  text: string;
}

export interface ModuleText {
  types: SourceLine[];
  conditions: SourceLine[];
}

/**
 * Takes a module's text apart: the header ("model" + "schema 1.1", "module NAME" or none) goes, types and conditions
 * are separated, because the language wants all conditions after all types.
 */
export function splitModule(module: ModelModule): ModuleText {
  if (Buffer.byteLength(module.dsl) > limits.moduleBytesMax)
    throw moduleFault(module.name, undefined, `is larger than ${limits.moduleBytesMax} bytes`);
  const lines = module.dsl
    .split(/\r?\n/)
    .map((text, index) => ({ module: module.name, line: index + 1, text: text.replaceAll("\t", "  ") }));
  const body = withoutHeader(module.name, lines);
  const parts: ModuleText = { types: [], conditions: [] };
  let target = parts.types;
  for (const line of body) {
    refuseDeepNesting(line);
    refuseUnusableName(line);
    if (/^\s*extend\s/.test(line.text))
      throw moduleFault(line.module, line.line, "cannot extend a type: a type belongs to one module as a whole");
    if (/^\s*type\s+[\w-]+\s*(#.*)?$/.test(line.text)) target = parts.types;
    else if (/^\s*condition\s+[\w-]+\s*\(/.test(line.text)) target = parts.conditions;
    target.push(line);
  }
  return parts;
}

function withoutHeader(name: string, lines: SourceLine[]): SourceLine[] {
  const meaningful = lines.filter((line) => !/^\s*(#.*)?$/.test(line.text));
  const [first, second] = meaningful;
  if (first && /^\s*model\s*(#.*)?$/.test(first.text)) {
    if (!second || !/^\s*schema\s+1\.1\s*(#.*)?$/.test(second.text))
      throw moduleFault(name, second?.line ?? first.line, 'must say "schema 1.1" after "model"');
    return lines.filter((line) => line !== first && line !== second);
  }
  const header = first && /^\s*module\s+(\S+)\s*(#.*)?$/.exec(first.text);
  if (!header) return lines;
  if (header[1] !== name)
    throw moduleFault(name, first.line, `says "module ${header[1]}"; it must be "module ${name}"`);
  return lines.filter((line) => line !== first);
}

/** The parser keeps definitions in plain objects: a name that every object has would vanish without a word. */
function refuseUnusableName(line: SourceLine): void {
  const name = /^\s*(?:type|define|condition)\s+([\w-]+)/.exec(line.text)?.[1];
  if (name !== undefined && name in Object.prototype)
    throw moduleFault(line.module, line.line, `cannot use the name "${name}"`);
}

function refuseDeepNesting(line: SourceLine): void {
  let depth = 0;
  let deepest = 0;
  for (const char of line.text) {
    if (char === "(" || char === "[" || char === "{") deepest = Math.max(deepest, ++depth);
    else if (char === ")" || char === "]" || char === "}") depth--;
  }
  if (deepest > limits.nestingMax)
    throw moduleFault(line.module, line.line, `nests more than ${limits.nestingMax} parentheses`);
}

/** The error of a module, with the place in it that a person has to change. */
export function moduleFault(module: string, line: number | undefined, problem: string): Fault {
  return new Fault({
    code: "invalid_argument",
    reason: "MODEL_INVALID",
    message: `model module "${module}"${line === undefined ? "" : ` line ${line}`}: ${problem}`,
    details: line === undefined ? { module } : { module, line: String(line) },
  });
}
