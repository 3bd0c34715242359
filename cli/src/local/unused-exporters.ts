import type { Plugin } from "esbuild";

/** Exporters that OpenTelemetry's Node SDK imports for every case; Plinth sends OTLP over HTTP and serves Prometheus. */
const unused = /^@opentelemetry\/exporter-(?:(?:logs|metrics|trace)-otlp-grpc|zipkin)$/;

/**
 * Leaves the SDK's unused exporters out of a bundle: with them come a second gRPC stack and a second protobuf runtime,
 * a third of the bundle and 10 MB in every process. Using one of them throws and says so.
 */
export function unusedExportersStayOutside(): Plugin {
  return {
    name: "unused-exporters",
    setup(build) {
      build.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: "unused-exporter" }));
      build.onLoad({ filter: /.*/, namespace: "unused-exporter" }, ({ path }) => ({
        contents: stubOf(path),
        loader: "js",
      }));
    },
  };
}

const names = ["OTLPLogExporter", "OTLPMetricExporter", "OTLPTraceExporter", "ZipkinExporter"];

function stubOf(packageName: string): string {
  const message = `${packageName} is not part of this bundle: traces go out as OTLP over HTTP (PLINTH_OTLP_ENDPOINT), metrics as Prometheus`;
  return names
    .map((name) => `export class ${name} { constructor() { throw new Error(${JSON.stringify(message)}); } }`)
    .join("\n");
}
