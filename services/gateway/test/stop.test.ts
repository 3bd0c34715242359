import { once } from "node:events";
import net from "node:net";
import { expect, it, vi } from "vitest";
import { listenerLimits } from "../src/data/listener.ts";
import { service, startGateway } from "./harness.ts";
import { answers, sendRaw } from "./raw.ts";

const request = "GET /shop/ HTTP/1.1\r\nHost: x\r\n\r\n";

it("does not wait for a connection that never says anything, and answers one that does", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  try {
    const gateway = await startGateway([service("shop", [{ path: "/shop/", authentication: "None" }])], { shop: [] });
    const silent = net.connect(gateway.port, "127.0.0.1").resume();
    const late = net.connect(gateway.port, "127.0.0.1");
    const silentClosed = once(silent, "close");
    // Taken in after those two: then they are as well.
    await sendRaw(gateway.port, request, answers(1));

    const stopped = gateway.stop(60_000);
    late.write(request);
    const [answer] = (await once(late, "data")) as [Buffer];
    expect(answer.toString("latin1")).toMatch(/^HTTP\/1.1 503 /);
    expect(answer.toString("latin1")).toMatch(/\r\nconnection: close\r\n/i);
    expect(listenerLimits.prefaceTimeoutAtEndMs).toBeLessThan(listenerLimits.prefaceTimeoutMs);
    await vi.advanceTimersByTimeAsync(listenerLimits.prefaceTimeoutAtEndMs);
    await silentClosed;
    await stopped;
  } finally {
    vi.useRealTimers();
  }
});
