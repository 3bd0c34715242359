import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** A span as it came over the wire. */
export interface ReceivedSpan {
  traceId: string;
  name: string;
  /** Value of the resource's service.name. */
  service: string;
}

export interface OtlpReceiver {
  endpoint: string;
  spans: readonly ReceivedSpan[];
  close(): void;
}

/** Takes traces over OTLP/HTTP, in protobuf (opentelemetry-proto, collector/trace/v1), and keeps what a test asks about. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    for (const resourceSpans of fields(Buffer.concat(chunks), 1)) spans.push(...spansOf(resourceSpans));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function spansOf(resourceSpans: Uint8Array): ReceivedSpan[] {
  const attributes = fields(resourceSpans, 1).flatMap((resource) => fields(resource, 1));
  const named = attributes.find((attribute) => text(fields(attribute, 1)[0]) === "service.name");
  const service = text(fields(fields(named ?? new Uint8Array(), 2)[0] ?? new Uint8Array(), 1)[0]);
  return fields(resourceSpans, 2)
    .flatMap((scopeSpans) => fields(scopeSpans, 2))
    .map((span) => ({
      traceId: Buffer.from(fields(span, 1)[0] ?? []).toString("hex"),
      name: text(fields(span, 5)[0]),
      service,
    }));
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("utf8");

/** The values of a field that has a length: bytes, texts and messages. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === wanted) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}
