import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { streamsOn } from "@plinth/clients/http2";
import { ServerReflection, type ServerReflectionResponse } from "@plinth/proto/grpc/reflection/v1/reflection";
import type { Endpoint } from "../data/endpoint.ts";

export interface DescribedFile {
  bytes: Uint8Array;
  dependencies: readonly string[];
}

/** What one service says of itself by reflection. */
export interface ServiceCatalog {
  serviceNames: readonly string[];
  files: ReadonlyMap<string, DescribedFile>;
  /** Full names of services, methods, messages and enums -> file. */
  symbols: ReadonlyMap<string, string>;
}

export const catalogLimits = {
  timeoutMs: 5_000,
  filesMax: 2_000,
  fileBytesMax: 4 * 1024 * 1024,
} as const;

type Ask = (request: {
  case: "listServices" | "fileContainingSymbol" | "fileByFilename";
  value: string;
}) => Promise<ServerReflectionResponse["messageResponse"]>;

/** Reads everything over one reflection stream: the services, the files that define them and all they import. */
export async function readServiceCatalog(endpoint: Endpoint): Promise<ServiceCatalog> {
  const baseUrl = `http://${endpoint.authority}`;
  // On the connections that calls through the gateway use.
  const sessionManager = streamsOn(baseUrl, endpoint.sessions);
  const transport = createGrpcTransport({ baseUrl, sessionManager, readMaxBytes: catalogLimits.fileBytesMax });
  const client = createClient(ServerReflection, transport);
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(catalogLimits.timeoutMs)]);
  const questions = new Questions();
  const answers = client.serverReflectionInfo(questions, { signal })[Symbol.asyncIterator]();
  const ask: Ask = async (messageRequest) => {
    questions.push({ host: "", messageRequest });
    const { done, value } = await answers.next();
    if (done) throw new Error("the reflection stream ended early");
    return value.messageResponse;
  };
  try {
    return await collect(ask);
  } finally {
    questions.close();
    stop.abort();
  }
}

async function collect(ask: Ask): Promise<ServiceCatalog> {
  const listed = await ask({ case: "listServices", value: "*" });
  if (listed.case !== "listServicesResponse") throw new Error("the service does not list its services");
  const files = new Map<string, DescribedFile>();
  const symbols = new Map<string, string>();
  const wanted: string[] = [];
  const take = (answer: Awaited<ReturnType<Ask>>) => {
    if (answer.case !== "fileDescriptorResponse") return;
    for (const bytes of answer.value.fileDescriptorProto) {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      if (files.has(file.name)) continue;
      if (files.size >= catalogLimits.filesMax) throw new Error("the service describes too many files");
      files.set(file.name, { bytes, dependencies: file.dependency });
      for (const symbol of symbolsOf(file)) symbols.set(symbol, file.name);
      wanted.push(...file.dependency);
    }
  };
  const serviceNames = listed.value.service.map((service) => service.name);
  for (const name of serviceNames)
    if (!symbols.has(name)) take(await ask({ case: "fileContainingSymbol", value: name }));
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop())
    if (!files.has(name)) take(await ask({ case: "fileByFilename", value: name }));
  return { serviceNames, files, symbols };
}

function symbolsOf(file: FileDescriptorProto): string[] {
  const found: string[] = [];
  const prefix = file.package === "" ? "" : `${file.package}.`;
  const messages = (scope: string, list: FileDescriptorProto["messageType"]) => {
    for (const message of list) {
      found.push(scope + message.name);
      for (const nested of message.enumType) found.push(`${scope}${message.name}.${nested.name}`);
      messages(`${scope}${message.name}.`, message.nestedType);
    }
  };
  messages(prefix, file.messageType);
  for (const entry of file.enumType) found.push(prefix + entry.name);
  for (const service of file.service) {
    found.push(prefix + service.name);
    for (const method of service.method) found.push(`${prefix}${service.name}.${method.name}`);
  }
  return found;
}

type Question = { host: string; messageRequest: Parameters<Ask>[0] };

/** The requests of the stream: pushed one after the other, each after the answer before it. */
class Questions implements AsyncIterable<Question> {
  readonly #waiting: Question[] = [];
  #wake: () => void = () => {};
  #closed = false;

  push(question: Question): void {
    this.#waiting.push(question);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Question> {
    while (!this.#closed) {
      const next = this.#waiting.shift();
      if (next) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
