import { Fault, isFault } from "@plinth/kernel";
import type { Model, ModelModule } from "../domain/model/model.ts";
import type { PermissionEngine } from "../engine/permission-engine.ts";
import { effectiveModel, type ModelCache, modelUnusable } from "../model/model-cache.ts";
import { platformModuleName } from "../model/platform-module.ts";
import type { AuthzStore, Change, Usage } from "../store/authz-store.ts";
import type { Caller } from "./caller.ts";
import { requireManagement } from "./management-right.ts";

export interface PutModuleDependencies {
  store: AuthzStore;
  models: ModelCache;
  engine: PermissionEngine;
}

export interface PutModuleResult {
  modelVersion: string;
  changed: boolean;
}

/** Puts a module in the place of the one with its name, if the whole model stays valid and nothing stored loses its meaning. */
export async function putModelModule(
  { store, models, engine }: PutModuleDependencies,
  module: ModelModule,
  caller: Caller,
): Promise<PutModuleResult> {
  if (module.name === platformModuleName)
    throw new Fault({
      code: "failed_precondition",
      reason: "MODULE_READ_ONLY",
      message: `module "${platformModuleName}" ships with Plinth and cannot be replaced; use a module of another name`,
    });
  return store.change("exclusive", async (change) => {
    if (caller.workload !== module.name)
      await requireManagement(engine, change, caller, `only service "${module.name}" may put this module without it`);
    const before = await models.modelOf(change).catch(whenUnusable);
    const modules = await change.modules();
    if (before && modules.some((known) => known.name === module.name && known.dsl === module.dsl))
      return { modelVersion: before.version, changed: false };
    const others = modules.filter((known) => known.name !== module.name);
    const after = effectiveModel([...others, module]);
    if (before) await refuseOrphans(change, before, after);
    await change.putModule(module);
    const previousDsl = modules.find((known) => known.name === module.name)?.dsl;
    const { name, dsl } = module;
    await change.publish(
      { kind: "module changed", module: name, modelVersion: after.version, previousDsl, dsl },
      caller,
    );
    return { modelVersion: after.version, changed: true };
  });
}

/** A model that cannot be used any more must not keep its owner from repairing it. */
function whenUnusable(err: unknown): undefined {
  if (!isFault(err) || err.reason !== modelUnusable) throw err;
}

/** Relationships never vanish by a change of the model: they have to be deleted by those who wrote them. */
async function refuseOrphans(change: Change, before: Model, after: Model): Promise<void> {
  for (const usage of dropped(before, after)) {
    const uses = await change.countUses(usage);
    if (uses > 0)
      throw new Fault({
        code: "failed_precondition",
        reason: "MODEL_IN_USE",
        message: `${describe(usage)} cannot be removed: ${uses} stored relationship${uses === 1 ? " uses" : "s use"} it; delete them first`,
        details: { uses: String(uses) },
      });
  }
}

function* dropped(before: Model, after: Model): Generator<Usage> {
  for (const [type, definition] of before.types) {
    const kept = after.types.get(type);
    if (!kept) yield { kind: "type", type };
    else
      for (const relation of definition.relations.keys())
        if (!kept.relations.has(relation)) yield { kind: "relation", type, relation };
  }
  for (const condition of before.conditions.keys())
    if (!after.conditions.has(condition)) yield { kind: "condition", condition };
}

function describe(usage: Usage): string {
  switch (usage.kind) {
    case "type":
      return `type "${usage.type}"`;
    case "relation":
      return `relation "${usage.relation}" of type "${usage.type}"`;
    case "condition":
      return `condition "${usage.condition}"`;
  }
}
