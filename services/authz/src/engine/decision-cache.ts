import { type Cache, type CacheOptions, jsonCodec } from "@plinth/cache";
import type { AuthzStore } from "../store/authz-store.ts";
import type { PermissionEngine } from "./permission-engine.ts";
import type { QuestionText } from "./question.ts";

/** A decision of ours takes about 250 bytes with its key. */
const decisionsMax = 50_000;
/** A check that several callers wait for ends by its own deadline, not by that of the one who asked first. */
const sharedCheckMs = 5_000;

/** They stay in the process: whoever may write to a shared store could give themselves permissions there. */
export const decisionCacheOptions = (ttlMs: number): CacheOptions<boolean> => ({
  name: "authz.decisions",
  ttlMs,
  entriesMax: decisionsMax,
  codec: jsonCodec((value): value is boolean => typeof value === "boolean"),
  keep: "process",
});

/**
 * Answers repeated checks from memory. Only those that demand nothing: a check with a token is always answered by the store, and so
 * is one with relationships or parameters of its own. Faults are not remembered.
 */
export function cacheDecisions(engine: PermissionEngine, decisions: Cache<boolean>): PermissionEngine {
  return {
    ...engine,
    check(question, options) {
      if (options.atLeastAsFresh !== "" || !isPlain(question)) return engine.check(question, options);
      const { object, relation, subject } = question;
      return decisions.getOrLoad(JSON.stringify([object, relation, subject]), () =>
        engine.check(question, { atLeastAsFresh: "", signal: AbortSignal.timeout(sharedCheckMs) }),
      );
    },
  };
}

const isPlain = ({ contextual, context }: QuestionText): boolean => contextual === undefined && context === undefined;

/** Forgets all decisions after every change, before the change is acknowledged: any relationship may matter to any decision. */
export function forgetOnChange(store: AuthzStore, decisions: Cache<boolean>): AuthzStore {
  return {
    ...store,
    async change(mode, work) {
      try {
        return await store.change(mode, work);
      } finally {
        // A change that fails may have been made all the same: the answer to a commit can be lost.
        await decisions.clear();
      }
    },
  };
}
