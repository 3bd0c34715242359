import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Clock } from "@plinth/kernel";

/** Both ends count the same deadline, and the peer may be a little earlier. */
const slackMs = 25;

/**
 * Streams whose peer cancels them at their deadline failed by the deadline, as grpc-go has it: that our own timer had not fired
 * yet is chance.
 */
export function withDeadline(stream: Transport["stream"], clock: Clock): Transport["stream"] {
  return async (method, signal, timeoutMs, ...call) => {
    if (timeoutMs === undefined) return stream(method, signal, timeoutMs, ...call);
    const deadlineMs = clock.monotonicMs() + timeoutMs - slackMs;
    const explain = (err: unknown): unknown => {
      if (!(err instanceof ConnectError) || err.code !== Code.Canceled) return err;
      if (signal?.aborted || clock.monotonicMs() < deadlineMs) return err;
      return new ConnectError("the operation timed out", Code.DeadlineExceeded, err.metadata, undefined, err);
    };
    try {
      const answer = await stream(method, signal, timeoutMs, ...call);
      return { ...answer, message: explained(answer.message, explain) };
    } catch (err) {
      throw explain(err);
    }
  };
}

async function* explained<T>(messages: AsyncIterable<T>, explain: (err: unknown) => unknown): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (err) {
    throw explain(err);
  }
}
