import { Code, ConnectError } from "@connectrpc/connect";

/** What ends a call before its answer does. */
export interface CallBounds {
  signal: AbortSignal | undefined;
  /** From now; without it, or when it is not above zero, there is none. */
  timeoutMs: number | undefined;
}

/** Has a call given up at its deadline and when its caller leaves, until the function that is returned is called. */
export function bounded({ signal, timeoutMs }: CallBounds, giveUp: (error: ConnectError) => void): () => void {
  const onAbort = (): void => giveUp(ConnectError.from(signal?.reason, Code.Canceled));
  const onLate = (): void => giveUp(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  const timer = timeoutMs === undefined || timeoutMs <= 0 ? undefined : setTimeout(onLate, timeoutMs);
  signal?.addEventListener("abort", onAbort);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  };
}
