import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { systemClock } from "@plinth/kernel";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  type ConformancePayload_RequestInfo,
  ConformancePayload_RequestInfoSchema,
  ConformanceService,
  type Error as ErrorDefinition,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "@plinth/proto/connectrpc/conformance/v1/conformance";
import { access, type CallContext, type ServiceRoutes } from "@plinth/rpc";

/**
 * The service that the Connect conformance suite calls: every request says how it is to be answered.
 */
export const conformanceRoutes: ServiceRoutes = {
  service: ConformanceService,
  routes: new Map(
    Object.entries({ unary, idempotentUnary, clientStream, serverStream, bidiStream, unimplemented }).map(
      ([name, handle]) => [name, { access: access.public, handle }],
    ),
  ),
};

function unary(request: MessageShape<typeof UnaryRequestSchema>, call: CallContext) {
  return answerOnce(request.responseDefinition, [anyPack(UnaryRequestSchema, request)], call);
}

function idempotentUnary(request: MessageShape<typeof IdempotentUnaryRequestSchema>, call: CallContext) {
  return answerOnce(request.responseDefinition, [anyPack(IdempotentUnaryRequestSchema, request)], call);
}

async function clientStream(
  requests: AsyncIterable<MessageShape<typeof ClientStreamRequestSchema>>,
  call: CallContext,
) {
  const all = await collect(ClientStreamRequestSchema, requests);
  return answerOnce(all.first?.responseDefinition, all.packed, call);
}

async function* serverStream(request: MessageShape<typeof ServerStreamRequestSchema>, call: CallContext) {
  const definition = request.responseDefinition;
  setMetadata(definition, call);
  yield* answers(definition, 0, [anyPack(ServerStreamRequestSchema, request)], call);
}

/** Half duplex answers when all requests are there; full duplex answers each, and the rest of the answers at the end. */
async function* bidiStream(requests: AsyncIterable<MessageShape<typeof BidiStreamRequestSchema>>, call: CallContext) {
  let definition: StreamResponseDefinition | undefined;
  let isFirst = true;
  let fullDuplex = false;
  let sent = 0;
  let unanswered: Any[] = [];
  for await (const request of requests) {
    if (isFirst) {
      isFirst = false;
      definition = request.responseDefinition;
      fullDuplex = request.fullDuplex;
      setMetadata(definition, call);
    }
    unanswered.push(anyPack(BidiStreamRequestSchema, request));
    if (!fullDuplex) continue;
    const data = definition?.responseData[sent];
    if (data === undefined) break;
    await systemClock.sleep(definition?.responseDelayMs ?? 0, call.signal);
    yield { payload: { data, requestInfo: requestInfo(unanswered, call, sent === 0) } };
    unanswered = [];
    sent++;
  }
  yield* answers(definition, sent, unanswered, call);
}

async function unimplemented() {
  throw new ConnectError("not here", Code.Unimplemented);
}

async function answerOnce(definition: UnaryResponseDefinition | undefined, requests: Any[], call: CallContext) {
  setMetadata(definition, call);
  await systemClock.sleep(definition?.responseDelayMs ?? 0, call.signal);
  const info = requestInfo(requests, call, true);
  if (definition?.response.case === "error") throw errorOf(definition.response.value, info);
  return { payload: { data: definition?.response.value ?? new Uint8Array(0), requestInfo: info } };
}

/** The answers from the `sent`th on, then the error, if there is one; the first answer, or else the error, tells of the requests. */
async function* answers(
  definition: StreamResponseDefinition | undefined,
  sent: number,
  requests: Any[],
  call: CallContext,
) {
  let info: ConformancePayload_RequestInfo | undefined = requestInfo(requests, call, sent === 0);
  for (const data of definition?.responseData.slice(sent) ?? []) {
    await systemClock.sleep(definition?.responseDelayMs ?? 0, call.signal);
    yield { payload: info === undefined ? { data } : { data, requestInfo: info } };
    info = undefined;
  }
  if (definition?.error) throw errorOf(definition.error, definition.responseData.length === 0 ? info : undefined);
}

async function collect<D extends DescMessage>(schema: D, requests: AsyncIterable<MessageShape<D>>) {
  let first: MessageShape<D> | undefined;
  const packed: Any[] = [];
  for await (const request of requests) {
    first ??= request;
    packed.push(anyPack(schema, request));
  }
  return { first, packed };
}

function setMetadata(definition: UnaryResponseDefinition | StreamResponseDefinition | undefined, call: CallContext) {
  append(call.responseHeader, definition?.responseHeaders ?? []);
  append(call.responseTrailer, definition?.responseTrailers ?? []);
}

function append(target: Headers, fields: readonly Header[]): void {
  for (const { name, value } of fields) for (const one of value) target.append(name, one);
}

function requestInfo(requests: Any[], call: CallContext, isFirst: boolean): ConformancePayload_RequestInfo {
  if (!isFirst) return create(ConformancePayload_RequestInfoSchema, { requests });
  const timeoutMs = timeoutOf(call.requestHeader);
  return create(ConformancePayload_RequestInfoSchema, {
    requestHeaders: toFields(call.requestHeader),
    requests,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

/** Headers as the suite writes them down. */
export const toFields = (headers: Headers): { name: string; value: string[] }[] =>
  [...headers].map(([name, value]) => ({ name, value: value.split(/, */) }));

const unitsMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 };

function timeoutOf(header: Headers): bigint | undefined {
  const connect = header.get("connect-timeout-ms");
  if (connect !== null) return BigInt(connect);
  const [, amount, unit = ""] = /^(\d+)([HMSmun])$/.exec(header.get("grpc-timeout") ?? "") ?? [];
  return amount === undefined ? undefined : BigInt(Math.floor(Number(amount) * (unitsMs[unit] ?? 1)));
}

/** The error that is asked for, with what was received as one more detail. */
function errorOf({ code, message, details }: ErrorDefinition, info: ConformancePayload_RequestInfo | undefined) {
  const error = new ConnectError(message ?? "", code as number as Code);
  const all = info ? [...details, anyPack(ConformancePayload_RequestInfoSchema, info)] : details;
  error.details = all.map(({ typeUrl, value }) => ({ type: typeUrl.replace(/.*\//, ""), value }));
  return error;
}
