import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cellHistogram, startTelemetry, type Telemetry } from "../src/index.ts";

let telemetry: Telemetry;
let server: Server;

beforeAll(async () => {
  telemetry = startTelemetry({
    service: "notes",
    version: "1.2.3",
    instanceId: "notes-1",
    otlpEndpoint: undefined,
    traceRatio: 0,
  });
  server = createServer((request, response) => telemetry.metricsHandler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  server.close();
  await telemetry.shutdown();
});

test("values land in their buckets and show among the metrics, by attributes", async () => {
  const options = { name: "test_seconds", description: "how long", unit: "s", boundaries: [0.1, 1] };
  const histogram = cellHistogram(options);
  const found = histogram.cell({ code: "2xx", route: "a" });
  for (const value of [0.05, 0.1, 0.5, 3]) found.record(value);
  histogram.cell({ route: "a", code: "5xx" }).record(0.2);
  expect(cellHistogram(options).cell({ route: "a", code: "2xx" })).toBe(found);
  const { port } = server.address() as AddressInfo;
  const lines = (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
    .split("\n")
    .filter((line) => line.includes("test_seconds"));
  expect(lines).toEqual([
    "# HELP test_seconds how long",
    "# UNIT test_seconds s",
    "# TYPE test_seconds histogram",
    'test_seconds_count{code="2xx",route="a"} 4',
    'test_seconds_sum{code="2xx",route="a"} 3.65',
    'test_seconds_bucket{code="2xx",route="a",le="0.1"} 2',
    'test_seconds_bucket{code="2xx",route="a",le="1"} 3',
    'test_seconds_bucket{code="2xx",route="a",le="+Inf"} 4',
    'test_seconds_count{route="a",code="5xx"} 1',
    'test_seconds_sum{route="a",code="5xx"} 0.2',
    'test_seconds_bucket{route="a",code="5xx",le="0.1"} 0',
    'test_seconds_bucket{route="a",code="5xx",le="1"} 1',
    'test_seconds_bucket{route="a",code="5xx",le="+Inf"} 1',
  ]);
});
