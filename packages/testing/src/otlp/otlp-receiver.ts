import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { fields, hexField, messageField, numberField, textField } from "./protobuf-fields.ts";

/** Of a resource, a span or a log record; values that are no texts are left out. */
export type ReceivedAttributes = Readonly<Record<string, string>>;

/** A span as it came over the wire. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** Empty for the first of its trace. */
  parentSpanId: string;
  name: string;
  /** As in the protocol: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  /** Whether its status is an error. */
  failed: boolean;
  attributes: ReceivedAttributes;
  /** Ids of the spans that it links to. */
  links: readonly string[];
  /** Value of the resource's service.name. */
  service: string;
  resource: ReceivedAttributes;
}

export interface ReceivedLog {
  traceId: string;
  spanId: string;
  severity: string;
  body: string;
  attributes: ReceivedAttributes;
  resource: ReceivedAttributes;
}

export interface ReceivedMetric {
  name: string;
  unit: string;
  resource: ReceivedAttributes;
}

export interface OtlpReceiver {
  endpoint: string;
  spans: readonly ReceivedSpan[];
  logs: readonly ReceivedLog[];
  metrics: readonly ReceivedMetric[];
  /** Headers of the requests that it has had, by path. */
  requests: readonly { path: string; headers: IncomingHttpHeaders }[];
  /** From now on it answers so: as it should, with a status, or not at all. */
  answer(how: "ok" | "never" | number): void;
  close(): void;
}

/** Takes OTLP over HTTP in protobuf (opentelemetry-proto, collector/{trace,metrics,logs}/v1), and keeps what tests ask about. */
export async function startOtlpReceiver(port = 0, host = "127.0.0.1"): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const logs: ReceivedLog[] = [];
  const metrics: ReceivedMetric[] = [];
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  let how: "ok" | "never" | number = "ok";
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? "";
    requests.push({ path, headers: request.headers });
    if (how === "never") return;
    if (how !== "ok") return void response.writeHead(how).end();
    const perResource = fields(Buffer.concat(chunks), 1);
    if (path === "/v1/traces") spans.push(...perResource.flatMap(spansOf));
    else if (path === "/v1/logs") logs.push(...perResource.flatMap(logsOf));
    else if (path === "/v1/metrics") metrics.push(...perResource.flatMap(metricsOf));
    else return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    endpoint: `http://${host}:${(server.address() as AddressInfo).port}`,
    ...{ spans, logs, metrics, requests },
    answer(next) {
      how = next;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function attributesOf(holder: Uint8Array, number: number): ReceivedAttributes {
  return Object.fromEntries(
    fields(holder, number).flatMap((pair) => {
      const value = textField(messageField(pair, 2), 1);
      return value === "" ? [] : [[textField(pair, 1), value]];
    }),
  );
}

const resourceOf = (perResource: Uint8Array): ReceivedAttributes => attributesOf(messageField(perResource, 1), 1);

const itemsOf = (perResource: Uint8Array): Uint8Array[] =>
  fields(perResource, 2).flatMap((perScope) => fields(perScope, 2));

const statusError = 2;

function spansOf(perResource: Uint8Array): ReceivedSpan[] {
  const resource = resourceOf(perResource);
  return itemsOf(perResource).map((span) => ({
    traceId: hexField(span, 1),
    spanId: hexField(span, 2),
    parentSpanId: hexField(span, 4),
    name: textField(span, 5),
    kind: numberField(span, 6),
    failed: numberField(messageField(span, 15), 3) === statusError,
    attributes: attributesOf(span, 9),
    links: fields(span, 13).map((link) => hexField(link, 2)),
    service: resource["service.name"] ?? "",
    resource,
  }));
}

function logsOf(perResource: Uint8Array): ReceivedLog[] {
  const resource = resourceOf(perResource);
  return itemsOf(perResource).map((record) => ({
    traceId: hexField(record, 9),
    spanId: hexField(record, 10),
    severity: textField(record, 3),
    body: textField(messageField(record, 5), 1),
    attributes: attributesOf(record, 6),
    resource,
  }));
}

function metricsOf(perResource: Uint8Array): ReceivedMetric[] {
  const resource = resourceOf(perResource);
  return itemsOf(perResource).map((metric) => ({ name: textField(metric, 1), unit: textField(metric, 3), resource }));
}
