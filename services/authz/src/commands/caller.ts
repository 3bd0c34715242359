import type { EventOrigin } from "../events/authz-event.ts";

/** Who changes something, and on which call. */
export interface Caller extends EventOrigin {
  /** The calling service, proven by its workload token. */
  readonly workload: string | undefined;
  readonly signal: AbortSignal;
}
