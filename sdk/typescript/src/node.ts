import { createNodeTransport } from "./node-transport.ts";
import { assemble, type Plinth, type PlinthOptions } from "./plinth.ts";

export type { Clock } from "./clock.ts";
export type { Reason } from "./gen/reasons.ts";
export { type ItemOf, items, pages } from "./pages.ts";
export type { Plinth, PlinthOptions } from "./plinth.ts";
export { type FaultCode, type FieldViolation, isFault, PlinthError } from "./plinth-error.ts";
export type { ServiceCredentials } from "./service-tokens.ts";
export type { Session, SessionChange, SignedIn } from "./session.ts";
export {
  type BrowserStoreOptions,
  browserStore,
  memoryStore,
  type SessionStore,
  type StoredSession,
} from "./session-store.ts";

export interface NodePlinth extends Plinth {
  /** What calls go over: gRPC, or Connect with JSON where HTTP/2 did not pass. */
  protocol(): "grpc" | "connect";
}

/** A client for Node: gRPC over HTTP/2 and, where that cannot pass, Connect over HTTP/1.1. Opens nothing until the first call. */
export function createPlinth(options: PlinthOptions): NodePlinth {
  const { transport, protocol, close } = createNodeTransport({ url: options.url, clock: options.clock });
  return { ...assemble(options, transport, close), protocol };
}
