import { appendEvent } from "@plinth/bus";
import type { Transaction } from "@plinth/postgres";
import { ModelModuleChangedSchema, RelationshipsChangedSchema } from "@plinth/proto/plinth/authz/v1/events";
import { confirmErasure } from "@plinth/service";
import { formatObject } from "../domain/relationship/entity.ts";
import { toProtoRelationship } from "../rpc/proto-relationship.ts";
import type { AuthzEvent, EventOrigin } from "./authz-event.ts";

export const topic = "authz.relationship.v1";

/** Writes the event into the outbox of the transaction that makes it true. */
export async function publishEvent(tx: Transaction, event: AuthzEvent, context: EventOrigin): Promise<void> {
  if (event.kind === "module changed") {
    const { module, modelVersion, previousDsl = "", dsl } = event;
    const message = { module, modelVersion, previousDsl, dsl };
    const name = `modules/${event.module}`;
    await appendEvent(tx, { topic, key: name, subject: name, schema: ModelModuleChangedSchema, message, context });
    return;
  }
  if (event.kind === "user erased") {
    const { userId, relationships } = event;
    await confirmErasure(tx, { userId, removed: { relationships } }, context);
    return;
  }
  const [first] = [...event.written, ...event.deleted];
  const key = first ? formatObject(first.object) : "";
  const message = {
    written: event.written.map(toProtoRelationship),
    deleted: event.deleted.map(toProtoRelationship),
    consistencyToken: event.consistencyToken,
  };
  await appendEvent(tx, { topic, key, subject: key, schema: RelationshipsChangedSchema, message, context });
}
