import { createHash } from "node:crypto";
import { Fault } from "@plinth/kernel";
import { compileCondition } from "../condition/compile-condition.ts";
import type { Condition } from "../condition/condition.ts";
import { limits } from "../limits.ts";
import { isRelationName, isTypeName } from "../relationship/entity.ts";
import { findComputedCycle } from "./computed-cycle.ts";
import type { Model, ModelModule, Relation, TypeDefinition } from "./model.ts";
import { moduleFault, type SourceLine, splitModule } from "./module-text.ts";
import { type ParsedType, parseDsl } from "./parse-dsl.ts";
import { rewriteNodes, toRestriction, toRewrite } from "./rewrite.ts";

export interface ComposeOptions {
  /** The module whose types every module may refer to; to those of others it may not, or they could never change. */
  sharedModule?: string;
}

/**
 * Makes one model of all modules; in a conflict the later one is told off. Throws Fault invalid_argument MODEL_INVALID with module and line for text that does not
 * parse, names that do not resolve, a type or condition that two modules define, or a relation that nobody can ever have.
 */
export function composeModel(modules: readonly ModelModule[], options: ComposeOptions = {}): Model {
  if (modules.length > limits.modulesMax) throw tooMany("modules", limits.modulesMax);
  const texts = modules.map(splitModule);
  const types = texts.flatMap((text) => text.types);
  const conditions = texts.flatMap((text) => text.conditions);
  const typeOwners = findOwners("type", types, /^\s*type\s+([\w-]+)/);
  const conditionOwners = findOwners("condition", conditions, /^\s*condition\s+([\w-]+)\s*\(/);
  const parsed = parseDsl([...types, ...conditions]);
  if (parsed.type_definitions.length > limits.typesMax) throw tooMany("types", limits.typesMax);
  const compiled = Object.values(parsed.conditions ?? {}).map((condition): [string, Condition] => {
    const at = conditionOwners.get(condition.name) as SourceLine;
    return [condition.name, compileCondition(condition, (problem) => moduleFault(at.module, at.line, problem))];
  });
  if (compiled.length > limits.conditionsMax) throw tooMany("conditions", limits.conditionsMax);
  const definitions = parsed.type_definitions.map((type): [string, TypeDefinition] => [
    type.type,
    toType(type, typeOwners.get(type.type) as SourceLine),
  ]);
  const model = { types: new Map(definitions), conditions: new Map(compiled), version: versionOf(modules) };
  refuseForeignTypes(model, typeOwners, options.sharedModule);
  refuseComputedCycles(model, typeOwners);
  return model;
}

function findOwners(what: string, lines: readonly SourceLine[], pattern: RegExp): Map<string, SourceLine> {
  const owners = new Map<string, SourceLine>();
  for (const line of lines) {
    const name = pattern.exec(line.text)?.[1];
    if (name === undefined || !isHeading(what, line)) continue;
    const owner = owners.get(name);
    if (owner) {
      const elsewhere = owner.module === line.module ? `on line ${owner.line}` : `by module "${owner.module}"`;
      throw moduleFault(
        line.module,
        line.line,
        `${what} "${name}" is already defined ${elsewhere}; choose another name`,
      );
    }
    owners.set(name, line);
  }
  return owners;
}

const isHeading = (what: string, line: SourceLine): boolean =>
  what === "condition" || /^\s*type\s+[\w-]+\s*(#.*)?$/.test(line.text);

function toType(parsed: ParsedType, at: SourceLine): TypeDefinition {
  const fail = (problem: string): Fault => moduleFault(at.module, at.line, problem);
  if (!isTypeName(parsed.type))
    throw fail(`type name "${parsed.type}" must have at most ${limits.typeNameMax} letters, digits, "_" or "-"`);
  const relations = Object.entries(parsed.relations ?? {}).map(([name, rewrite]): [string, Relation] => {
    if (!isRelationName(name))
      throw fail(`relation "${name}" must have at most ${limits.relationNameMax} letters, digits, "_" or "-"`);
    const restrictions = parsed.metadata?.relations?.[name]?.directly_related_user_types ?? [];
    const relation = { name, rewrite: toRewrite(rewrite), restrictions: restrictions.map(toRestriction) };
    if ([...rewriteNodes(relation.rewrite)].length > limits.rewriteNodesMax)
      throw fail(`relation "${name}" has more than ${limits.rewriteNodesMax} operators`);
    return [name, relation];
  });
  if (relations.length > limits.relationsPerTypeMax)
    throw fail(`type "${parsed.type}" has more than ${limits.relationsPerTypeMax} relations`);
  return { name: parsed.type, module: at.module, relations: new Map(relations) };
}

function refuseForeignTypes(model: Model, owners: ReadonlyMap<string, SourceLine>, shared: string | undefined): void {
  for (const type of model.types.values()) {
    for (const { name, restrictions } of type.relations.values()) {
      const foreign = restrictions.find((restriction) => {
        const module = model.types.get(restriction.type)?.module;
        return module !== type.module && module !== shared;
      });
      const at = owners.get(type.name) as SourceLine;
      if (foreign)
        throw moduleFault(
          at.module,
          at.line,
          `relation "${name}" of type "${type.name}" refers to type "${foreign.type}" of another service's module`,
        );
    }
  }
}

function refuseComputedCycles(model: Model, owners: ReadonlyMap<string, SourceLine>): void {
  for (const type of model.types.values()) {
    const cycle = findComputedCycle(type);
    const at = owners.get(type.name) as SourceLine;
    if (cycle)
      throw moduleFault(
        at.module,
        at.line,
        `type "${type.name}" defines relations by each other in a circle: ${cycle.join(" -> ")}; break it at one place`,
      );
  }
}

/** 64 bits are plenty: versions are compared for equality among the few models that one installation has had. */
function versionOf(modules: readonly ModelModule[]): string {
  const hash = createHash("sha256");
  for (const module of modules.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(JSON.stringify([module.name, module.dsl]));
  return hash.digest("hex").slice(0, 16);
}

const tooMany = (what: string, max: number): Fault =>
  new Fault({ code: "invalid_argument", reason: "MODEL_TOO_LARGE", message: `the model has more than ${max} ${what}` });
