import { Fault, isFault } from "@plinth/kernel";
import { composeModel } from "../domain/model/compose-model.ts";
import type { Model, ModelModule } from "../domain/model/model.ts";
import type { Snapshot } from "../store/authz-store.ts";
import { platformModule } from "./platform-module.ts";

/** The model that the shipped module and those of the services make together. */
export const effectiveModel = (stored: readonly ModelModule[]): Model =>
  composeModel([platformModule, ...stored], { sharedModule: platformModule.name });

export interface ModelCache {
  /** The model of exactly the state that the snapshot sees. */
  modelOf(snapshot: Snapshot): Promise<Model>;
}

/** Models kept: the current one, and the one before it for requests that are still on it. */
const modelsMax = 2;

/**
 * Keeps parsed models by revision. Every snapshot names its revision, so no instance ever answers by an old model:
 * a module that was put through one instance counts for the next check on any other.
 */
export function createModelCache(): ModelCache {
  const models = new Map<string, Promise<Model>>();
  return {
    modelOf(snapshot) {
      const known = models.get(snapshot.revision);
      if (known) return known;
      const loading = load(snapshot);
      models.set(snapshot.revision, loading);
      loading.catch(() => models.delete(snapshot.revision));
      for (const revision of models.keys()) {
        if (models.size <= modelsMax) break;
        models.delete(revision);
      }
      return loading;
    },
  };
}

/** Reason of the fault of every check while stored modules and the shipped one contradict each other. */
export const modelUnusable = "MODEL_UNUSABLE";

async function load(snapshot: Snapshot): Promise<Model> {
  const modules = await snapshot.modules();
  try {
    return effectiveModel(modules);
  } catch (err) {
    if (!isFault(err)) throw err;
    throw new Fault({
      code: "failed_precondition",
      reason: modelUnusable,
      message: `the stored model does not fit this version of Plinth: ${err.message}`,
      cause: err,
    });
  }
}
