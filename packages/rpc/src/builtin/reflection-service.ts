import {
  createRegistry,
  type DescFile,
  type DescService,
  type FileRegistry,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import type { ServerReflectionRequest } from "@plinth/proto/grpc/reflection/v1/reflection";
import { ServerReflection } from "@plinth/proto/grpc/reflection/v1/reflection";
import { ServerReflection as ServerReflectionAlpha } from "@plinth/proto/grpc/reflection/v1alpha/reflection";

/** What reflection can tell of: the services to list and the files that describe them. */
export interface ReflectionSource {
  serviceNames(): Promise<readonly string[]>;
  /** Serialized FileDescriptorProtos: the one that defines the symbol first, then all it imports. Undefined when unknown. */
  filesForSymbol(symbol: string): Promise<readonly Uint8Array[] | undefined>;
  fileByName(name: string): Promise<readonly Uint8Array[] | undefined>;
}

const notFoundCode = 5;
const unimplementedCode = 12;

/** Serves grpc.reflection.v1 and, for older clients, v1alpha. */
export function reflectionRoutes(router: ConnectRouter, source: ReflectionSource): void {
  async function* answer(requests: AsyncIterable<Pick<ServerReflectionRequest, "host" | "messageRequest">>) {
    for await (const request of requests) {
      const { host, messageRequest } = request;
      yield {
        validHost: host,
        originalRequest: { host, messageRequest },
        messageResponse: await respond(request, source),
      };
    }
  }
  router.service(ServerReflection, { serverReflectionInfo: answer });
  // The two versions differ in name only.
  router.service(ServerReflectionAlpha, { serverReflectionInfo: answer as never });
}

async function respond({ messageRequest }: Pick<ServerReflectionRequest, "messageRequest">, source: ReflectionSource) {
  switch (messageRequest.case) {
    case "listServices":
      return {
        case: "listServicesResponse" as const,
        value: { service: (await source.serviceNames()).map((name) => ({ name })) },
      };
    case "fileContainingSymbol":
      return files(await source.filesForSymbol(messageRequest.value), messageRequest.value);
    case "fileByFilename":
      return files(await source.fileByName(messageRequest.value), messageRequest.value);
    default:
      return failure(unimplementedCode, "only list_services, file_containing_symbol and file_by_filename are answered");
  }
}

function files(found: readonly Uint8Array[] | undefined, wanted: string) {
  if (!found) return failure(notFoundCode, `"${wanted}" is not known here`);
  return { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto: [...found] } };
}

const failure = (errorCode: number, errorMessage: string) => ({
  case: "errorResponse" as const,
  value: { errorCode, errorMessage },
});

/** A reflection source over generated services. */
export function createReflectionSource(services: readonly DescService[]): ReflectionSource {
  const byName = new Map<string, DescFile>();
  const collect = (file: DescFile): void => {
    if (byName.has(fileName(file))) return;
    byName.set(fileName(file), file);
    for (const dependency of file.dependencies) collect(dependency);
  };
  for (const service of services) collect(service.file);
  const registry: Registry = createRegistry(...byName.values());
  const withImports = (file: DescFile): Uint8Array[] => {
    const seen = new Set<DescFile>();
    const visit = (at: DescFile): void => {
      if (seen.has(at)) return;
      seen.add(at);
      for (const dependency of at.dependencies) visit(dependency);
    };
    visit(file);
    return [...seen].map((at) => toBinary(FileDescriptorProtoSchema, at.proto));
  };
  return {
    serviceNames: async () => services.map((service) => service.typeName).sort(),
    async filesForSymbol(symbol) {
      const file = fileOf(symbol, registry);
      return file && withImports(file);
    },
    async fileByName(name) {
      const file = byName.get(name);
      return file && withImports(file);
    },
  };
}

/** Descriptor names lack the extension that reflection clients ask with. */
const fileName = (file: DescFile): string => `${file.name}.proto`;

function fileOf(symbol: string, registry: Registry | FileRegistry): DescFile | undefined {
  for (let name = symbol; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const found = registry.get(name);
    if (found) return found.file;
  }
  return undefined;
}
