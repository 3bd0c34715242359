import { equal, ok } from "node:assert/strict";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createWritableIterable } from "@connectrpc/connect/protocol";
import { type StreamingOutputCallRequest, TestService, UnimplementedService } from "@plinth/proto/grpc/testing/test";

const requestSizes = [27_182, 8, 1_828, 45_904];
const responseSizes = [31_415, 9, 2_653, 58_979];
const payload = (size: number) => ({ body: new Uint8Array(size) });

type Case = (transport: Transport) => Promise<void>;

/** What gRPC's interop test descriptions (doc/interop-test-descriptions.md) ask of a client, by their names there. */
export const interopCases: Readonly<Record<string, Case>> = {
  async empty_unary(transport) {
    await createClient(TestService, transport).emptyCall({});
  },
  async large_unary(transport) {
    const answer = await createClient(TestService, transport).unaryCall({
      responseSize: 314_159,
      payload: payload(271_828),
    });
    equal(answer.payload?.body.length, 314_159);
  },
  async client_streaming(transport) {
    async function* requests() {
      for (const size of requestSizes) yield { payload: payload(size) };
    }
    const answer = await createClient(TestService, transport).streamingInputCall(requests());
    equal(answer.aggregatedPayloadSize, 74_922);
  },
  async server_streaming(transport) {
    const responseParameters = responseSizes.map((size) => ({ size }));
    const sizes: (number | undefined)[] = [];
    for await (const answer of createClient(TestService, transport).streamingOutputCall({ responseParameters }))
      sizes.push(answer.payload?.body.length);
    equal(String(sizes), String(responseSizes));
  },
  async ping_pong(transport) {
    const requests = createWritableIterable<Partial<StreamingOutputCallRequest>>();
    const answers = createClient(TestService, transport)
      .fullDuplexCall(requests as never)
      [Symbol.asyncIterator]();
    for (const [i, size] of responseSizes.entries()) {
      await requests.write({ responseParameters: [{ size }], payload: payload(requestSizes[i] ?? 0) } as never);
      equal((await answers.next()).value.payload.body.length, size);
    }
    requests.close();
    ok((await answers.next()).done);
  },
  async empty_stream(transport) {
    async function* none(): AsyncGenerator<never> {}
    for await (const _ of createClient(TestService, transport).fullDuplexCall(none()))
      throw new Error("an answer came");
  },
  async status_code_and_message(transport) {
    const responseStatus = { code: 2, message: "test status message" };
    const client = createClient(TestService, transport);
    equal(describe(await failure(client.unaryCall({ responseStatus }))), "Unknown: test status message");
    const stream = client.fullDuplexCall(one({ responseStatus }))[Symbol.asyncIterator]();
    equal(describe(await failure(stream.next())), "Unknown: test status message");
  },
  async special_status_message(transport) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    const call = createClient(TestService, transport).unaryCall({ responseStatus: { code: 2, message } });
    equal((await failure(call)).rawMessage, message);
  },
  async custom_metadata(transport) {
    const sent = { "x-grpc-test-echo-initial": "test_initial_metadata_value", "x-grpc-test-echo-trailing-bin": "q6ur" };
    const seen: (string | null)[] = [];
    const options = {
      headers: sent,
      onHeader: (headers: Headers) => void seen.push(headers.get("x-grpc-test-echo-initial")),
      onTrailer: (trailers: Headers) => void seen.push(trailers.get("x-grpc-test-echo-trailing-bin")),
    };
    const client = createClient(TestService, transport);
    await client.unaryCall({ responseSize: 314_159, payload: payload(271_828) }, options);
    const request = { responseParameters: [{ size: 314_159 }], payload: payload(271_828) };
    for await (const answer of client.fullDuplexCall(one(request), options))
      equal(answer.payload?.body.length, 314_159);
    equal(String(seen), String([...Object.values(sent), ...Object.values(sent)]));
  },
  async unimplemented_method(transport) {
    equal((await failure(createClient(TestService, transport).unimplementedCall({}))).code, Code.Unimplemented);
  },
  async unimplemented_service(transport) {
    equal(
      (await failure(createClient(UnimplementedService, transport).unimplementedCall({}))).code,
      Code.Unimplemented,
    );
  },
  async cancel_after_begin(transport) {
    const controller = new AbortController();
    const { signal } = controller;
    const call = createClient(TestService, transport).streamingInputCall(createWritableIterable(), { signal });
    controller.abort();
    equal((await failure(call)).code, Code.Canceled);
  },
  async cancel_after_first_response(transport) {
    const controller = new AbortController();
    const requests = createWritableIterable<Partial<StreamingOutputCallRequest>>();
    const { signal } = controller;
    const stream = createClient(TestService, transport).fullDuplexCall(requests as never, { signal });
    const answers = stream[Symbol.asyncIterator]();
    void requests.write({ responseParameters: [{ size: 31_415 }], payload: payload(27_182) } as never);
    equal((await answers.next()).value.payload.body.length, 31_415);
    controller.abort();
    equal((await failure(answers.next())).code, Code.Canceled);
  },
  async timeout_on_sleeping_server(transport) {
    const requests = createWritableIterable<Partial<StreamingOutputCallRequest>>();
    const stream = createClient(TestService, transport).fullDuplexCall(requests as never, { timeoutMs: 1 });
    void requests.write({ payload: payload(27_182) } as never);
    equal((await failure(stream[Symbol.asyncIterator]().next())).code, Code.DeadlineExceeded);
  },
};

async function* one<T>(message: T): AsyncGenerator<T> {
  yield message;
}

const describe = (error: ConnectError): string => `${Code[error.code]}: ${error.rawMessage}`;

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (err) {
    return ConnectError.from(err);
  }
  throw new Error("the call succeeded");
}
