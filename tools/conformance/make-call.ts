import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type CallOptions, type Client, ConnectError } from "@connectrpc/connect";
import { createWritableIterable } from "@connectrpc/connect/protocol";
import { systemClock } from "@plinth/kernel";
import {
  BidiStreamRequestSchema,
  type ClientCompatRequest,
  type ClientCompatRequest_Cancel,
  ClientResponseResultSchema,
  ClientStreamRequestSchema,
  type ConformancePayload,
  ConformancePayloadSchema,
  type ConformanceService,
  type Code as ErrorCode,
  ErrorSchema,
  HeaderSchema,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  StreamType,
  UnaryRequestSchema,
  UnimplementedRequestSchema,
} from "@plinth/proto/connectrpc/conformance/v1/conformance";
import { toFields } from "./conformance-service.ts";

type ConformanceClient = Client<typeof ConformanceService>;

type Seen = ReturnType<typeof seeNothing>;

const seeNothing = () => create(ClientResponseResultSchema);

/** One call as it was made: when it is to be cancelled, and where what is seen of it goes. */
interface Attempt {
  client: ConformanceClient;
  request: ClientCompatRequest;
  options: CallOptions;
  cancel: Cancellation;
  seen: Seen;
}

/** Makes the call that the suite asks for, and tells what the caller saw of it. Throws when the request makes no sense. */
export async function makeCall(client: ConformanceClient, request: ClientCompatRequest): Promise<Seen> {
  const seen = seeNothing();
  const cancel = cancellation(request.cancel?.cancelTiming);
  const options: CallOptions = {
    headers: request.requestHeaders.flatMap(({ name, value }) => value.map((one): [string, string] => [name, one])),
    signal: cancel.signal,
    onHeader(headers) {
      seen.responseHeaders = headerMessages(headers);
    },
    onTrailer(trailers) {
      seen.responseTrailers = headerMessages(trailers);
    },
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
  };
  const make = calls[request.method ?? ""];
  if (make === undefined) throw new Error(`there is no method ${request.method}`);
  try {
    await make({ client, request, options, cancel, seen });
  } catch (err) {
    const error = ConnectError.from(err);
    seen.error = create(ErrorSchema, toError(error));
    // Metadata of an error has both in one; the suite compares each name where it finds it.
    if (seen.responseHeaders.length === 0) seen.responseHeaders = headerMessages(error.metadata);
    if (seen.responseTrailers.length === 0) seen.responseTrailers = headerMessages(error.metadata);
  }
  return seen;
}

const calls: Record<string, (attempt: Attempt) => Promise<void>> = {
  Unary: (attempt) => once(attempt, UnaryRequestSchema, (client) => client.unary),
  IdempotentUnary: (attempt) => once(attempt, IdempotentUnaryRequestSchema, (client) => client.idempotentUnary),
  async Unimplemented({ client, request, options }) {
    await client.unimplemented(messages(request, UnimplementedRequestSchema)[0] ?? {}, options);
  },
  async ServerStream({ client, request, options, cancel, seen }) {
    await systemClock.sleep(request.requestDelayMs);
    const answers = client.serverStream(messages(request, ServerStreamRequestSchema)[0] ?? {}, options);
    cancel.sent();
    for await (const { payload } of answers) receive(payload, seen, cancel);
  },
  async ClientStream({ client, request, options, cancel, seen }) {
    async function* requests() {
      for (const message of messages(request, ClientStreamRequestSchema)) {
        await systemClock.sleep(request.requestDelayMs);
        yield message;
      }
      cancel.beforeEnd();
      cancel.sent();
    }
    receive((await client.clientStream(requests(), options)).payload, seen, cancel);
  },
  async BidiStream({ client, request, options, cancel, seen }) {
    const requests = createWritableIterable<MessageShape<typeof BidiStreamRequestSchema>>();
    const answers = client.bidiStream(requests, options)[Symbol.asyncIterator]();
    const receiveNext = async (): Promise<boolean> => {
      const { done, value } = await answers.next();
      if (!done) receive(value.payload, seen, cancel);
      return done !== true;
    };
    cancel.received(0);
    for (const message of messages(request, BidiStreamRequestSchema)) {
      await systemClock.sleep(request.requestDelayMs);
      await requests.write(message);
      if (request.streamType === StreamType.FULL_DUPLEX_BIDI_STREAM) await receiveNext();
    }
    cancel.beforeEnd();
    requests.close();
    cancel.sent();
    while (await receiveNext());
  },
};

type UnaryCall<M> = (message: M, options: CallOptions) => Promise<{ payload?: ConformancePayload | undefined }>;

async function once<D extends DescMessage>(
  { client, request, options, cancel, seen }: Attempt,
  schema: D,
  method: (client: ConformanceClient) => UnaryCall<MessageShape<D>>,
): Promise<void> {
  await systemClock.sleep(request.requestDelayMs);
  const [message] = messages(request, schema);
  if (message === undefined) throw new Error("there is no request message");
  const answer = method(client)(message, options);
  cancel.sent();
  receive((await answer).payload, seen, cancel);
}

function receive(payload: ConformancePayload | undefined, seen: Seen, cancel: Cancellation): void {
  // A message without a payload counts as one that has an empty one.
  seen.payloads.push(payload ?? create(ConformancePayloadSchema));
  cancel.received(seen.payloads.length);
}

const messages = <D extends DescMessage>({ requestMessages }: ClientCompatRequest, schema: D): MessageShape<D>[] =>
  requestMessages.flatMap((any) => anyUnpack(any, schema) ?? []);

interface Cancellation {
  signal: AbortSignal;
  /** All requests are written, the end of the stream is not. */
  beforeEnd(): void;
  sent(): void;
  received(count: number): void;
}

function cancellation(timing: ClientCompatRequest_Cancel["cancelTiming"] = { case: undefined }): Cancellation {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    beforeEnd() {
      if (timing.case === "beforeCloseSend") controller.abort();
    },
    sent() {
      if (timing.case === "afterCloseSendMs") setTimeout(() => controller.abort(), timing.value);
    },
    received(count) {
      if (timing.case === "afterNumResponses" && count === timing.value) controller.abort();
    },
  };
}

const headerMessages = (headers: Headers) => toFields(headers).map((field) => create(HeaderSchema, field));

const toError = ({ code, rawMessage, details }: ConnectError): MessageInitShape<typeof ErrorSchema> => ({
  code: code as number as ErrorCode,
  message: rawMessage,
  details: details.flatMap((detail) =>
    "type" in detail ? [{ typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }] : [],
  ),
});
