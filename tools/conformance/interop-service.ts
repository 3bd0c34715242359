import type { MessageShape } from "@bufbuild/protobuf";
import { type Code, ConnectError } from "@connectrpc/connect";
import { systemClock } from "@plinth/kernel";
import {
  type EchoStatus,
  type SimpleRequestSchema,
  type StreamingInputCallRequestSchema,
  type StreamingOutputCallRequestSchema,
  TestService,
} from "@plinth/proto/grpc/testing/test";
import { access, type CallContext, type ServiceRoutes } from "@plinth/rpc";

type OutputRequest = MessageShape<typeof StreamingOutputCallRequestSchema>;

/** gRPC's own test service, as its interop test descriptions ask for it. `UnimplementedCall` is left out on purpose. */
export const interopRoutes: ServiceRoutes = {
  service: TestService,
  routes: new Map(
    Object.entries({
      emptyCall: async () => ({}),
      unaryCall,
      cacheableUnaryCall: unaryCall,
      streamingOutputCall: outputs,
      streamingInputCall,
      fullDuplexCall,
      halfDuplexCall,
    }).map(([name, handle]) => [name, { access: access.public, handle }]),
  ),
};

async function unaryCall(request: MessageShape<typeof SimpleRequestSchema>, call: CallContext) {
  echoMetadata(call);
  throwStatus(request.responseStatus);
  return { payload: { body: new Uint8Array(request.responseSize) } };
}

async function* outputs(request: OutputRequest, call: CallContext) {
  throwStatus(request.responseStatus);
  for (const { size, intervalUs } of request.responseParameters) {
    await systemClock.sleep(intervalUs / 1000, call.signal);
    yield { payload: { body: new Uint8Array(size) } };
  }
}

async function streamingInputCall(requests: AsyncIterable<MessageShape<typeof StreamingInputCallRequestSchema>>) {
  let aggregatedPayloadSize = 0;
  for await (const { payload } of requests) aggregatedPayloadSize += payload?.body.length ?? 0;
  return { aggregatedPayloadSize };
}

async function* fullDuplexCall(requests: AsyncIterable<OutputRequest>, call: CallContext) {
  echoMetadata(call);
  for await (const request of requests) yield* outputs(request, call);
}

async function* halfDuplexCall(requests: AsyncIterable<OutputRequest>, call: CallContext) {
  const all: OutputRequest[] = [];
  for await (const request of requests) all.push(request);
  for (const request of all) yield* outputs(request, call);
}

function echoMetadata({ requestHeader, responseHeader, responseTrailer }: CallContext): void {
  const initial = requestHeader.get("x-grpc-test-echo-initial");
  if (initial !== null) responseHeader.set("x-grpc-test-echo-initial", initial);
  const trailing = requestHeader.get("x-grpc-test-echo-trailing-bin");
  if (trailing !== null) responseTrailer.set("x-grpc-test-echo-trailing-bin", trailing);
}

function throwStatus(status: EchoStatus | undefined): void {
  if (status !== undefined && status.code !== 0) throw new ConnectError(status.message, status.code as Code);
}
