import type { Component, Logger } from "@plinth/kernel";
import { formatToken } from "./domain/consistency-token.ts";
import { parseObject, parseSubject } from "./domain/relationship/entity.ts";
import { type Relationship, relationshipKey } from "./domain/relationship/relationship.ts";
import { validateRelationship } from "./domain/relationship/validate-relationship.ts";
import { effectiveModel } from "./model/model-cache.ts";
import { platformObject } from "./model/platform-module.ts";
import type { AuthzStore } from "./store/authz-store.ts";

export interface GrantAdminsOptions {
  /** Subjects such as "service:plinth-cli". */
  admins: readonly string[];
  store: AuthzStore;
  logger: Logger;
}

/** Makes the configured subjects admins of the platform at start. Whoever is one already stays one; nobody is removed. */
export function createAdminGrant({ admins, store, logger }: GrantAdminsOptions): Component {
  return {
    name: "admin grant",
    async start() {
      const object = parseObject(platformObject);
      const wanted = admins.map(
        (admin): Relationship => ({ object, relation: "admin", subject: parseSubject(admin), condition: undefined }),
      );
      if (wanted.length === 0) return;
      // The shipped module alone: what services have put must not keep this service from starting.
      const model = effectiveModel([]);
      for (const relationship of wanted) validateRelationship(model, relationship);
      const written = await store.change("shared", async (change) => {
        const inserted = await change.insert(wanted);
        const consistencyToken = formatToken(change.token);
        if (inserted.length > 0)
          await change.publish(
            { kind: "relationships changed", written: inserted, deleted: [], consistencyToken },
            { actor: "service:authz", requestId: "start", traceparent: undefined },
          );
        return inserted;
      });
      if (written.length > 0) logger.info({ relationships: written.map(relationshipKey) }, "platform admins granted");
    },
  };
}
