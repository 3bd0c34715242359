import { eventually } from "@plinth/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Running, service, startGateway } from "./harness.ts";
import { startHttpUpstream, type Upstream } from "./upstream.ts";

let upstream: Upstream;
const running: Running[] = [];

beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => response.end("ok"));
});
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
});
afterAll(() => upstream.close());

const services = [service("shop", [{ path: "/shop/", authentication: "None" }])];

async function start(options: Parameters<typeof startGateway>[2]): Promise<Running> {
  const gateway = await startGateway(services, { shop: [upstream.port] }, options);
  running.push(gateway);
  return gateway;
}

describe.runIf(process.platform === "linux")("a port that two gateways share (Linux only)", () => {
  it("is handed from one to the other without a failed request", async () => {
    const first = await start({ reusePort: true, drainDelayMs: 2_000 });
    const answers = { ok: 0, failed: [] as string[] };
    let over = false;
    const callers = Array.from({ length: 4 }, async () => {
      while (!over) {
        const answer = await fetch(`${first.url}/shop/`).then(
          (response) => response.text(),
          (err: Error) => `${err.message}: ${(err.cause as Error | undefined)?.message}`,
        );
        if (answer === "ok") answers.ok++;
        else answers.failed.push(answer);
      }
    });
    await start({ reusePort: true, port: first.port });
    await eventually(() => expect(answers.ok).toBeGreaterThan(20));
    running.shift();
    await first.stop(60_000);
    const answered = answers.ok;
    await eventually(() => expect(answers.ok).toBeGreaterThan(answered + 20));
    over = true;
    await Promise.all(callers);
    expect(answers.failed).toEqual([]);
  });

  it("belongs to one alone unless both say so", async () => {
    const first = await start({});
    await expect(start({ reusePort: true, port: first.port })).rejects.toThrow(/EADDRINUSE/);
  });
});
