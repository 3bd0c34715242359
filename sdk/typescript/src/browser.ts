import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { assemble, type Plinth, type PlinthOptions } from "./plinth.ts";

export type { Clock } from "./clock.ts";
export type { Reason } from "./gen/reasons.ts";
export { type ItemOf, items, pages } from "./pages.ts";
export type { Plinth } from "./plinth.ts";
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

export interface BrowserPlinthOptions extends PlinthOptions {
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch;
}

/** A client for browsers and other places that have fetch: Connect with JSON. Opens nothing until the first call. */
export function createPlinth(options: BrowserPlinthOptions): Plinth {
  const { url, fetch = globalThis.fetch } = options;
  return assemble(options, createConnectTransport({ baseUrl: url, fetch: unavailableWithout(fetch) }), () => {});
}

/** What fetch throws says no more than that nobody was reached: RPC has a code for that, which is worth another attempt. */
function unavailableWithout(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (err) {
      if (init?.signal?.aborted) throw err;
      throw new ConnectError("the platform cannot be reached", Code.Unavailable, undefined, undefined, err);
    }
  };
}
