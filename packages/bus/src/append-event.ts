import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Fault, systemClock, systemRandom } from "@plinth/kernel";
import { insertOutboxRow, type Transaction } from "@plinth/postgres";
import type { BusMessage } from "./bus.ts";

/** Who caused an event: what a handler knows of its call, or `contextOf` the event that it follows from. */
export interface EventContext {
  /** "user:ID", "service:NAME" or "anonymous". */
  actor: string;
  requestId: string;
  traceparent: string | undefined;
  /** Where the caller is, as the gateway saw it; undefined when nobody outside called. */
  clientAddress?: string | undefined;
  /** The service that acted on the actor's behalf, by its workload token; undefined when the actor called itself. */
  via?: string | undefined;
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
  const { topic, key, subject, schema } = event;
  await insertOutboxRow(tx, { id, topic, key, type: schema.typeName, subject, data, ...causeOf(event.context) });
  return id;
}

/** A call's context has more than belongs into an event. */
const causeOf = ({ actor, requestId, traceparent, clientAddress, via }: EventContext) => ({
  ...{ actor, requestId, traceparent, clientAddress, via },
});

/** The context of what follows from an event: the call that caused the one caused the other. */
export const contextOf = (message: BusMessage): EventContext => causeOf(message);

const tooLarge = (type: string, bytes: number): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "EVENT_TOO_LARGE",
    message: `the change would be told in an event of ${bytes} bytes, and ${eventMaxBytes} are the most: change less at once`,
    details: { type },
  });
