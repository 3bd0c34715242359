import type { Registration, Registry } from "@plinth/discovery";
import type { Clock, Component, Health } from "@plinth/kernel";

export interface RegistrationOptions {
  registry: Registry;
  service: string;
  instanceId: string;
  host: string;
  port: () => number;
  health: Health;
  clock: Clock;
  drainDelayMs: number;
}

/** Announces the process once it serves; on stop drains first, gives callers time to notice, then deregisters. */
export function createRegistration(options: RegistrationOptions): Component {
  const { registry, health, clock, drainDelayMs } = options;
  let registration: Registration | undefined;
  return {
    name: "registration",
    async start() {
      registration = await registry.register({
        service: options.service,
        instanceId: options.instanceId,
        host: options.host,
        port: options.port(),
      });
      health.setStarted();
    },
    async stop(signal) {
      health.setDraining();
      if (!registration) return;
      await registration.drain();
      await clock.sleep(drainDelayMs, signal);
      await registration.deregister();
    },
  };
}
