import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startTelemetry } from "@plinth/kernel";

/** The metrics of this process as Prometheus reads them. */
export interface Scraped {
  /** Samples as "name{label="value",...}" with their values. */
  read(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** Collects metrics from now on: what is made afterwards is in them. Once in a process. */
export async function startScraping(): Promise<Scraped> {
  const identity = { service: "test", version: "0.0.0", instanceId: "test" };
  const telemetry = startTelemetry({ ...identity, otlpEndpoint: undefined, traceRatio: 0 });
  const server = createServer((request, response) => telemetry.metricsHandler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  return {
    async read() {
      const lines = (await (await fetch(url)).text())
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"));
      return new Map(
        lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
      );
    },
    async close() {
      server.close();
      await telemetry.shutdown();
    },
  };
}

/** The names in the tables below a heading of docs/metrics.md. */
export async function documentedMetrics(heading: string): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8");
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/metrics.md has no heading "${heading}"`);
  return [...section.matchAll(/^\| `([a-z_]+)`/gm)].map(([, name]) => name as string);
}
