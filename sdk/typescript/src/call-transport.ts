import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { Clock } from "./clock.ts";
import { AuthService } from "./gen/plinth/auth/v1/auth_pb.ts";
import { toPlinthError } from "./plinth-error.ts";
import { type Retries, waitOrThrow } from "./retries.ts";
import type { TokenSource } from "./token-source.ts";

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
  async function authorize(method: DescMethod, headers: Headers, signal?: AbortSignal): Promise<string | undefined> {
    if (!tokens || withoutToken.has(method) || headers.has("authorization")) return undefined;
    const token = await unlessAborted(tokens.current(), signal);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return token;
  }

  return {
    async unary(method, signal, timeoutMs = options.timeoutMs, header, input, contextValues) {
      const deadlineMs = clock.now() + timeoutMs;
      retries.began();
      try {
        let replaced = false;
        for (let attempt = 1; ; ) {
          const headers = new Headers(header);
          const token = await authorize(method, headers, signal);
          const leftMs = Math.max(1, Math.ceil(deadlineMs - clock.now()));
          const answer = await transport
            .unary(method, signal, leftMs, headers, input, contextValues)
            .catch(toPlinthError);
          if (!(answer instanceof Error)) return answer;
          // Nothing was carried out, whatever the RPC does.
          if (!replaced && answer.code === "unauthenticated" && token !== undefined) {
            replaced = true;
            // A session that is over says more than the refusal of its last token: that is thrown then.
            if ((await unlessAborted(tokens?.replace(token), signal)) !== undefined) continue;
          }
          await waitOrThrow(clock, retries.waitMs(method, answer, attempt++), answer, deadlineMs, signal);
        }
      } catch (thrown) {
        throw toPlinthError(thrown);
      }
    },
    /** Made once: the messages of a stream may be gone with the first attempt. */
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      try {
        const headers = new Headers(header);
        await authorize(method, headers, signal);
        const answer = await transport.stream(method, signal, timeoutMs, headers, input, contextValues);
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

/** A caller that gives up waits no longer; what it waited for goes on for others. */
async function unlessAborted<T>(work: Promise<T> | undefined, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (!work || !signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
