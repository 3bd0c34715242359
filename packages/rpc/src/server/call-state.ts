import { type ContextKey, createContextKey } from "@connectrpc/connect";
import { silentLogger } from "@plinth/kernel";
import { anonymous, type CallContext } from "../principal.ts";

/** The call's context as the interceptors have filled it so far. */
export const callContextKey: ContextKey<CallContext> = createContextKey<CallContext>(
  {
    principal: anonymous,
    workload: undefined,
    actor: "anonymous",
    accessToken: undefined,
    requestId: "",
    traceparent: undefined,
    remoteAddress: "",
    userAgent: "",
    signal: new AbortController().signal,
    logger: silentLogger,
    requestHeader: new Headers(),
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
  },
  { description: "call context" },
);

/** Address of the TCP peer, set when a request arrives. */
export const peerAddressKey: ContextKey<string> = createContextKey("", { description: "peer address" });
