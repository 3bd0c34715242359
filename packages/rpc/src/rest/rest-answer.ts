import { once } from "node:events";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { type DescMessage, type JsonObject, type MessageShape, type Registry, toJson } from "@bufbuild/protobuf";
import type { ConnectError, StreamResponse, UnaryResponse } from "@connectrpc/connect";
import { thrownToConnectError } from "../fault-mapping.ts";
import type { NodeResponse } from "../server/one-port-listener.ts";
import type { HttpBinding } from "./http-bindings.ts";
import { restError } from "./rest-error.ts";

/** Writes one answer. */
export interface AnswerWriter {
  /** A response, or the field of it that the binding names, as JSON with every field that is not optional. */
  message(binding: HttpBinding, response: UnaryResponse): Promise<void>;
  /** A stream of responses as JSON Lines (jsonlines.org). An error after the first one is the last line. */
  lines(binding: HttpBinding, response: StreamResponse): Promise<void>;
  error(error: ConnectError, headers?: Record<string, string>): void;
  empty(status: number, headers: Record<string, string>): void;
}

/** Headers of the RPC protocol that carried the call. */
const ofProtocol = /^(content-|connect-|grpc-|trailer|date$|connection$|transfer-encoding$)/;

export function createAnswerWriter(
  nodeResponse: NodeResponse,
  { registry, headOnly }: { registry: Registry; headOnly: boolean },
): AnswerWriter {
  // Both kinds of responses have what is used here; their types do not unite.
  const response = nodeResponse as ServerResponse;

  const send = (status: number, text: string, headers: OutgoingHttpHeaders): void => {
    const bytes = Buffer.from(text);
    response.writeHead(status, {
      ...headers,
      "content-type": "application/json",
      "content-length": bytes.byteLength,
    });
    response.end(headOnly ? undefined : bytes);
  };

  const json = ({ rpc, responseBody }: HttpBinding, message: MessageShape<DescMessage>): string => {
    const whole = toJson(rpc.output, message, { registry, alwaysEmitImplicit: true });
    return JSON.stringify(responseBody ? ((whole as JsonObject)[responseBody.jsonName] ?? null) : whole);
  };

  const error: AnswerWriter["error"] = (failure, headers = {}) => {
    const body = restError(failure);
    const { code } = body.error;
    send(code, `${JSON.stringify(body)}\n`, {
      ...plainHeaders(failure.metadata),
      ...(code === 401 ? { "www-authenticate": 'Bearer realm="plinth"' } : {}),
      ...(code === 415 ? { accept: "application/json", "accept-encoding": "identity" } : {}),
      ...headers,
    });
  };

  return {
    async message(binding, { header, message }) {
      send(200, `${json(binding, message)}\n`, plainHeaders(header));
    },
    async lines(binding, { header, message: messages }) {
      const begin = (): void => {
        if (response.headersSent) return;
        response.writeHead(200, { ...plainHeaders(header), "content-type": "application/jsonl" });
      };
      try {
        for await (const message of messages) {
          begin();
          if (!response.write(`${json(binding, message)}\n`)) await writable(response);
        }
      } catch (err) {
        // Before the first line there is still a status to say it with.
        if (!response.headersSent) throw err;
        response.end(`${JSON.stringify(restError(thrownToConnectError(err)))}\n`);
        return;
      }
      begin();
      response.end();
    },
    error,
    empty(status, headers) {
      response.writeHead(status, headers).end();
    },
  };
}

/** Waits until more can be written, or the caller has gone. */
async function writable(response: ServerResponse): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  try {
    await Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]);
  } finally {
    done.abort();
  }
}

function plainHeaders(given: Headers): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of given) {
    if (ofProtocol.test(name)) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before as string | string[], value].flat();
  }
  return headers;
}
