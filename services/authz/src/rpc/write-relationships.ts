import { Fault } from "@plinth/kernel";
import type {
  AuthzService,
  RelationshipFilter as ProtoFilter,
  WriteRelationshipsRequest,
} from "@plinth/proto/plinth/authz/v1/authz";
import type { Handler } from "@plinth/rpc";
import {
  writeRelationships as execute,
  type RelationshipChanges,
  type WriteDependencies,
} from "../commands/write-relationships.ts";
import { parseFilter } from "../domain/relationship/relationship-filter.ts";
import { toCaller } from "./proto-caller.ts";
import { fromProtoRelationship } from "./proto-relationship.ts";

export const writeRelationships =
  (dependencies: WriteDependencies): Handler<typeof AuthzService.method.writeRelationships> =>
  async (request, context) => ({
    consistencyToken: await execute(dependencies, parseChanges(request), toCaller(context)),
  });

const parseChanges = (request: WriteRelationshipsRequest): RelationshipChanges => ({
  writes: request.writes.map(fromProtoRelationship),
  deletes: request.deletes.map(fromProtoRelationship),
  preconditions: request.preconditions.map(({ filter, mustExist }) => ({
    filter: parseFilter(filter ?? missingFilter()),
    mustExist,
  })),
  idempotent: request.idempotent,
});

function missingFilter(): ProtoFilter {
  throw new Fault({ code: "invalid_argument", reason: "FILTER_MISSING", message: "a precondition needs a filter" });
}
