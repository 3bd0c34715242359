import { createStaticResolver } from "@plinth/discovery";
import { createGateway, FileRouteSource } from "@plinth/gateway";
import { type Component, createHealth, silentLogger, systemClock, systemRandom } from "@plinth/kernel";

export interface TestedGateway {
  port(): number;
  stop(): Promise<void>;
}

/** The gateway as on one machine, with routes from the files in `directory` and without TLS, in front of a server here. */
export async function startTestedGateway(serverPort: number, directory: string): Promise<TestedGateway> {
  const logger = silentLogger;
  const endpoint = { instanceId: "tested-server", host: "127.0.0.1", port: serverPort, draining: false };
  const resolver = createStaticResolver(new Map([["tested-server", [endpoint]]]));
  const health = createHealth();
  const gateway = createGateway({
    host: "127.0.0.1",
    port: 0,
    ...{ resolver, health, logger, clock: systemClock, random: systemRandom },
    routeSource: (onSnapshot) => new FileRouteSource({ directory, onSnapshot, logger }),
    tokenIssuer: "http://auth.test",
    tokenAudience: "plinth",
    drainDelayMs: 0,
    tracing: false,
  });
  const parts: Component[] = [...gateway.workers, gateway.server];
  for (const part of parts) await part.start?.();
  health.setStarted();
  return {
    port: () => gateway.server.port(),
    async stop() {
      for (const part of parts.toReversed()) await part.stop?.(AbortSignal.timeout(1_000));
    },
  };
}
