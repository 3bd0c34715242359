import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLogger, startTelemetry, systemClock, systemRandom } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { expect, onTestFinished, test } from "vitest";
import { createController } from "../src/controller.ts";
import type { Source } from "../src/source.ts";
import { startScriptedServer } from "./scripted-server.ts";
import { connect, notes } from "./test-client.ts";

test("metrics have the names and labels of controller-runtime and client-go", async () => {
  const options = { service: "test", version: "0", instanceId: "0", otlpEndpoint: undefined, traceRatio: 0 };
  const telemetry = startTelemetry(options);
  const exporter = createServer((request, response) => telemetry.metricsHandler(request, response));
  await new Promise<void>((resolve) => exporter.listen(0, "127.0.0.1", resolve));
  const api = await startScriptedServer((exchange) => exchange.answer(200, { metadata: { name: "a" } }));
  const { client, transport } = connect(api.cluster);
  onTestFinished(async () => {
    await transport.close();
    await api.stop();
    exporter.close();
    await telemetry.shutdown();
  });
  await client.get(notes, { name: "a", namespace: "default" });

  let attempts = 0;
  const source: Source = {
    synced: Promise.resolve(),
    keys: () => [],
    open(offer) {
      offer("a", "normal");
      return { close() {} };
    },
  };
  const controller = createController({
    name: "platformservice",
    sources: [source],
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    workersMax: 3,
    async reconcile() {
      if (++attempts === 1) throw new Error("once");
      return { done: true };
    },
  });
  await controller.start?.();
  await eventually(() => expect(attempts).toBe(2));
  const { port } = exporter.address() as AddressInfo;
  const scrape = async (): Promise<string[]> =>
    (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
      .split("\n")
      .filter((line) => !line.startsWith("#"));
  await eventually(async () => {
    const lines = await scrape();
    for (const line of [
      'controller_runtime_reconcile_total{controller="platformservice",result="success"} 1',
      'controller_runtime_reconcile_total{controller="platformservice",result="error"} 1',
      'controller_runtime_reconcile_total{controller="platformservice",result="requeue_after"} 0',
      'controller_runtime_reconcile_errors_total{controller="platformservice"} 1',
      'controller_runtime_active_workers{controller="platformservice"} 0',
      'controller_runtime_max_concurrent_reconciles{controller="platformservice"} 3',
      'controller_runtime_reconcile_time_seconds_count{controller="platformservice"} 2',
      'workqueue_depth{name="platformservice",controller="platformservice"} 0',
      'workqueue_adds_total{name="platformservice",controller="platformservice"} 2',
      'workqueue_retries_total{name="platformservice",controller="platformservice"} 1',
      'workqueue_queue_duration_seconds_count{name="platformservice",controller="platformservice"} 2',
      'workqueue_work_duration_seconds_count{name="platformservice",controller="platformservice"} 2',
      'workqueue_unfinished_work_seconds{name="platformservice",controller="platformservice"} 0',
      'workqueue_longest_running_processor_seconds{name="platformservice",controller="platformservice"} 0',
      `rest_client_requests_total{code="200",method="GET",host="${new URL(api.cluster.server).host}"} 1`,
    ]) {
      expect(lines).toContain(line);
    }
  });
  await controller.stop?.(AbortSignal.timeout(1_000));
});
