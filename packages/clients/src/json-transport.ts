import { createRegistry, type DescFile, type Registry } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { hostPort } from "@plinth/kernel";
import { createHttp1Agent } from "./http1-agent.ts";
import { createJsonUnary } from "./json-unary.ts";
import { madeOnce } from "./made-once.ts";

export interface JsonTransportOptions {
  host: string;
  port: number;
  readMaxBytes: number;
  writeMaxBytes: number;
}

export interface JsonTransport extends Transport {
  /** Lets calls end; their connections close with them. */
  close(): void;
}

/** Connect JSON over HTTP/1.1. Messages of a service's own file can stand in a google.protobuf.Any. */
export function createJsonTransport({ host, port, ...limits }: JsonTransportOptions): JsonTransport {
  const { agent, close } = createHttp1Agent();
  const registryOf = madeOnce((file: DescFile): Registry => createRegistry(file));
  const streamsOf = madeOnce((file: DescFile) =>
    createConnectTransport({
      baseUrl: `http://${hostPort(host, port)}`,
      httpVersion: "1.1",
      nodeOptions: { agent },
      useBinaryFormat: false,
      jsonOptions: { registry: registryOf(file) },
      ...limits,
    }),
  );
  return {
    unary: createJsonUnary({ host, port, agent, registryOf, ...limits }),
    stream: (method, ...call) => streamsOf(method.parent.file).stream(method, ...call),
    close,
  };
}
