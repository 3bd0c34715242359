import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Clock } from "./clock.ts";
import { AuthService } from "./gen/plinth/auth/v1/auth_pb.ts";
import { toPlinthError } from "./plinth-error.ts";
import type { Retries } from "./retries.ts";
import type { AccessToken, TokenSource } from "./token-source.ts";

export interface CallTransportOptions {
  transport: Transport;
  /** Absent: all calls are anonymous. */
  tokens?: TokenSource;
  retries: Retries;
  clock: Clock;
  /** Deadline of calls that bring none; all attempts together. Streams have none by themselves. */
  timeoutMs: number;
}

/** RPCs that prove who calls by what they carry: an old token beside it would only be refused. */
const withoutToken = new Set<DescMethod>([
  AuthService.method.login,
  AuthService.method.refresh,
  AuthService.method.logout,
  AuthService.method.issueServiceToken,
]);

/** Adds to a transport what every call wants: deadline, token, one more attempt with a new token, retries, PlinthErrors. */
export function createCallTransport(options: CallTransportOptions): Transport {
  const { transport, tokens, retries, clock } = options;

  /** The token that was put into the headers; undefined when the call has one of its own or needs none. */
  async function authorize(method: DescMethod, headers: Headers): Promise<AccessToken | undefined> {
    if (!tokens || withoutToken.has(method) || headers.has("authorization")) return undefined;
    const token = await tokens.current();
    if (token !== undefined) headers.set("authorization", `Bearer ${token.accessToken}`);
    return token;
  }

  return {
    async unary(method, signal, timeoutMs = options.timeoutMs, header, input, contextValues) {
      const deadlineMs = clock.now() + timeoutMs;
      const inTime = createBound(timeoutMs, signal);
      retries.began();
      try {
        let replaced = false;
        for (let attempt = 1; ; ) {
          const headers = new Headers(header);
          const token = await inTime(authorize(method, headers));
          const leftMs = Math.max(1, Math.ceil(deadlineMs - clock.now()));
          const made = transport.unary(method, signal, leftMs, headers, input, contextValues);
          const answer = await inTime(made).catch(toPlinthError);
          if (!(answer instanceof Error)) return answer;
          // Nothing was carried out, whatever the RPC does.
          if (tokens && !replaced && answer.code === "unauthenticated" && token !== undefined) {
            replaced = true;
            // A session that is over says more than the refusal of its last token: that is thrown then.
            if ((await inTime(tokens.replace(token))) !== undefined) continue;
          }
          const waitMs = retries.waitMs(method, answer, attempt++);
          if (waitMs === undefined || clock.now() + waitMs >= deadlineMs) throw answer;
          await inTime(clock.sleep(waitMs, signal));
        }
      } catch (thrown) {
        throw toPlinthError(thrown);
      }
    },
    /** Made once: the messages of a stream may be gone with the first attempt. */
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      try {
        const headers = new Headers(header);
        const inTime = createBound(timeoutMs, signal);
        await inTime(authorize(method, headers));
        const answer = await inTime(transport.stream(method, signal, timeoutMs, headers, input, contextValues));
        return { ...answer, message: withPlinthErrors(answer.message) };
      } catch (thrown) {
        throw toPlinthError(thrown);
      }
    },
  };
}

async function* withPlinthErrors<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (thrown) {
    throw toPlinthError(thrown);
  }
}

/** The library counts the same deadline, and what it says of it goes before. */
const slackMs = 50;

/**
 * Waits for parts of a call until its deadline or until its caller gives up. What was waited for may go on: others may want the
 * same renewal or connection.
 */
function createBound(timeoutMs: number | undefined, signal: AbortSignal | undefined) {
  const over = timeoutMs === undefined ? undefined : AbortSignal.timeout(Math.max(0, timeoutMs) + slackMs);
  return <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const onOver = (): void => reject(new ConnectError("the operation timed out", Code.DeadlineExceeded));
      const onAbort = (): void => reject(signal?.reason);
      if (over?.aborted) onOver();
      if (signal?.aborted) onAbort();
      over?.addEventListener("abort", onOver, { once: true });
      signal?.addEventListener("abort", onAbort, { once: true });
      work.then(resolve, reject).finally(() => {
        over?.removeEventListener("abort", onOver);
        signal?.removeEventListener("abort", onAbort);
      });
    });
}
