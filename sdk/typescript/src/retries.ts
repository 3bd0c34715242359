import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { PlinthError } from "./plinth-error.ts";

/** Decides whether a call that failed is made again. One for all calls of a client: the budget is common. */
export interface Retries {
  /** Counts a call. */
  began(): void;
  /** Milliseconds to wait before another attempt after the given one (from 1); undefined: there is none. */
  waitMs(method: DescMethod, error: PlinthError, attempt: number): number | undefined;
}

const attemptsMax = 3;
/** Before another attempt: a random part of this, doubled each time (gRPC proposal A6). */
const backoffInitialMs = 50;
const backoffMaxMs = 1_000;
/** Retries are at most a tenth of the calls, and these at once. */
const budgetRatio = 0.1;
const budgetMax = 10;
/** A server that wants to be left alone for longer is not called again within this call. */
const pushBackMsMax = 5_000;

export function createRetries(): Retries {
  let budget = budgetMax;
  return {
    began() {
      budget = Math.min(budgetMax, budget + budgetRatio);
    },
    waitMs(method, error, attempt) {
      if (attempt >= attemptsMax || method.idempotency === Idempotency.IDEMPOTENCY_UNKNOWN) return undefined;
      const wish = pushBack(error);
      // Only a server that says when to come back has room for a call that it refused for want of room.
      const worthwhile = error.code === "unavailable" || (error.code === "resource_exhausted" && wish !== undefined);
      if (!worthwhile || wish === "never" || (wish ?? 0) > pushBackMsMax || budget < 1) return undefined;
      budget--;
      const ceilingMs = Math.min(backoffMaxMs, backoffInitialMs * 2 ** (attempt - 1));
      const jitterMs = ceilingMs * (0.1 + 0.9 * Math.random());
      return (wish ?? 0) + jitterMs;
    },
  };
}

/** What the server says about another attempt: milliseconds, "never", or undefined for nothing. */
function pushBack(error: PlinthError): number | "never" | undefined {
  const text = error.cause instanceof ConnectError ? error.cause.metadata.get("grpc-retry-pushback-ms") : null;
  if (text === null) return error.retryAfterMs;
  return /^\d{1,9}$/.test(text) ? Number(text) : "never";
}
