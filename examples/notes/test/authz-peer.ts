import { Fault } from "@plinth/kernel";
import type {
  CheckRequest,
  PutModelModuleRequest,
  ReadRelationshipsRequest,
  Relationship,
  WriteRelationshipsRequest,
} from "@plinth/proto/plinth/authz/v1/authz";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { ServiceRoutes } from "@plinth/rpc";
import { partialService } from "@plinth/testing/service";

export interface AuthzPeer {
  routes: ServiceRoutes;
  /** Stored relationships as "object#relation@subject", sorted. */
  relationships(): string[];
  modules: Map<string, string>;
  /** Answers `unavailable` while true. */
  setAway(away: boolean): void;
}

/** Stands in for authz: keeps relationships and answers for the note type as the service's model says. */
export function createAuthzPeer(): AuthzPeer {
  const stored = new Map<string, Relationship>();
  const modules = new Map<string, string>();
  let away = false;
  const keyOf = ({ object, relation, subject }: Relationship) => `${object}#${relation}@${subject}`;
  const has = (object: string, relation: string, subject: string) => stored.has(`${object}#${relation}@${subject}`);
  const answer =
    <Q, A>(handle: (request: Q) => A) =>
    async (request: Q): Promise<A> => {
      if (away) throw new Fault({ code: "unavailable", reason: "TEST_AWAY", message: "authz is away" });
      return handle(request);
    };
  return {
    modules,
    relationships: () => [...stored.keys()].sort(),
    setAway(value) {
      away = value;
    },
    routes: partialService(AuthzService, {
      check: answer(({ object, relation, subject }: CheckRequest) => ({
        allowed: has(object, "owner", subject) || (relation === "can_read" && has(object, "viewer", subject)),
      })),
      writeRelationships: answer(({ writes, deletes }: WriteRelationshipsRequest) => {
        for (const relationship of deletes) stored.delete(keyOf(relationship));
        for (const relationship of writes) stored.set(keyOf(relationship), relationship);
        return { consistencyToken: "1" };
      }),
      readRelationships: answer(({ filter, pageSize }: ReadRelationshipsRequest) => ({
        relationships: [...stored.values()].filter(({ object }) => object === filter?.object).slice(0, pageSize),
      })),
      putModelModule: answer(({ module, dsl }: PutModelModuleRequest) => {
        modules.set(module, dsl);
        return { modelVersion: "1", changed: true };
      }),
    }),
  };
}
