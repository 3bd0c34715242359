import { create, createFileRegistry, type DescService } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
  type StringValue,
} from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";

const method = (name: string, clientStreaming: boolean, serverStreaming: boolean) => ({
  name,
  clientStreaming,
  serverStreaming,
  inputType: ".google.protobuf.StringValue",
  outputType: ".google.protobuf.StringValue",
});

const file = create(FileDescriptorProtoSchema, {
  name: "plinth/test/v1/echo.proto",
  package: "plinth.test.v1",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [
    {
      name: "EchoService",
      method: [
        method("Unary", false, false),
        method("Expand", false, true),
        method("Join", true, false),
        method("Chat", true, true),
      ],
    },
  ],
});

/** Four methods over StringValue, one of each kind, described at run time. */
export const EchoService: DescService = (() => {
  const set = create(FileDescriptorSetSchema, { file: [file_google_protobuf_wrappers.proto, file] });
  return createFileRegistry(set).getService("plinth.test.v1.EchoService") as DescService;
})();

type Text = Pick<StringValue, "value">;

/** Answers with what came in. "fail" fails, "wait" never answers, "big:N" is N letters. */
export const echoHandlers = {
  async unary(request: Text, context: HandlerContext) {
    return { value: await answer(request.value, context) };
  },
  async *expand(request: Text, context: HandlerContext) {
    for (const letter of request.value) yield { value: await answer(letter, context) };
  },
  async join(requests: AsyncIterable<Text>) {
    let value = "";
    for await (const request of requests) value += request.value;
    return { value };
  },
  async *chat(requests: AsyncIterable<Text>, context: HandlerContext) {
    for await (const request of requests) yield { value: await answer(request.value, context) };
  },
};

async function answer(text: string, context: HandlerContext): Promise<string> {
  context.responseHeader.set("x-echo-request-id", context.requestHeader.get("x-request-id") ?? "");
  context.responseTrailer.set("x-echo-trailer", "end");
  if (text === "fail") throw new Error("asked to fail");
  if (text === "wait") await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
  if (text.startsWith("big:")) return "x".repeat(Number(text.slice(4)));
  return text;
}
