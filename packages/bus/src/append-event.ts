import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Fault, systemClock, systemRandom } from "@plinth/kernel";
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

/** A bus takes so much in one message; with more, every later event of the service would wait behind it for ever. */
const eventMaxBytes = 256 * 1024;

/**
 * Writes a fact into the outbox, in the transaction of the change it tells of. Returns the event's id. Throws Fault
 * invalid_argument for one that no bus would take.
 */
export async function appendEvent<S extends DescMessage>(tx: Transaction, event: NewEvent<S>): Promise<string> {
  const data = toBinary(event.schema, create(event.schema, event.message));
  if (data.byteLength > eventMaxBytes) throw tooLarge(event.schema.typeName, data.byteLength);
  const id = systemRandom.uuidv7(systemClock.now());
  await insertOutboxRow(tx, {
    id,
    topic: event.topic,
    key: event.key,
    type: event.schema.typeName,
    subject: event.subject,
    data,
    actor: event.context.actor,
    requestId: event.context.requestId,
    traceparent: event.context.traceparent,
  });
  return id;
}

const tooLarge = (type: string, bytes: number): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "EVENT_TOO_LARGE",
    message: `the change would be told in an event of ${bytes} bytes, and ${eventMaxBytes} are the most: change less at once`,
    details: { type },
  });
