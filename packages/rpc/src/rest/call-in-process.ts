import type { ContextValues, Transport } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";

/** Headers that belong to HTTP or to an RPC protocol, and not to the call. */
const ofProtocol =
  /^(content-(type|length|encoding)|accept(-encoding)?|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|host|connect-.*|grpc-.*|x-server-timeout|:.*)$/;

/** The handlers judge sizes, and say it with a reason. */
const unlimited = 0xffff_ffff;

/**
 * Calls RPCs of this process as the Connect protocol does, without a network: what a call passes (interceptors, limits,
 * deadlines, reasons) is the same, and so is what it looks like in logs and metrics.
 */
export function createInProcessTransport(
  handlers: ReadonlyMap<string, UniversalHandler>,
  contextValues: ContextValues,
): Transport {
  return createTransport({
    baseUrl: "http://in.process",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: 0,
    readMaxBytes: unlimited,
    writeMaxBytes: unlimited,
    async httpClient({ url, method, header, body, signal }) {
      const handler = handlers.get(new URL(url).pathname);
      if (handler === undefined) throw new Error(`no handler for ${url}`);
      const answer = await handler({
        httpVersion: "2.0",
        ...{ url, method, header, contextValues },
        body: body ?? none(),
        signal: signal ?? new AbortController().signal,
      });
      return {
        status: answer.status,
        header: new Headers(answer.header),
        body: answer.body ?? none(),
        trailer: new Headers(answer.trailer),
      };
    },
  });
}

/** A request's headers as those of a call. */
export function callHeaders(given: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || ofProtocol.test(name)) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  return headers;
}

async function* none(): AsyncGenerator<Uint8Array> {}
