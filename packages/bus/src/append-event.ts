import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { systemClock, systemRandom } from "@plinth/kernel";
import { insertOutboxRow, type Transaction } from "@plinth/postgres";

export interface EventContext {
  actor: string;
  requestId: string;
  traceparent: string | undefined;
}

export interface NewEvent<S extends DescMessage> {
  topic: string;
  /** The aggregate's id: order is kept per key. */
  key: string;
  /** The aggregate as a resource name, for example users/0192... */
  subject: string;
  schema: S;
  message: MessageInitShape<S>;
  context: EventContext;
}

/** Writes a fact into the outbox, in the transaction of the change it tells of. Returns the event's id. */
export async function appendEvent<S extends DescMessage>(tx: Transaction, event: NewEvent<S>): Promise<string> {
  const id = systemRandom.uuidv7(systemClock.now());
  await insertOutboxRow(tx, {
    id,
    topic: event.topic,
    key: event.key,
    type: event.schema.typeName,
    subject: event.subject,
    data: toBinary(event.schema, create(event.schema, event.message)),
    actor: event.context.actor,
    requestId: event.context.requestId,
    traceparent: event.context.traceparent,
  });
  return id;
}
