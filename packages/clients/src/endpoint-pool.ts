import type { Endpoint, Resolver } from "@plinth/discovery";
import { type Clock, Fault, type Random } from "@plinth/kernel";
import { createEndpointChannel, type EndpointChannel } from "./endpoint-channel.ts";

/** The instances of one service, as its callers see them. */
export interface EndpointPool {
  /** The better of two random ones that work, untried ones first; waits briefly while none is known. Throws Fault unavailable. */
  pick(tried: ReadonlySet<EndpointChannel>, signal: AbortSignal | undefined): Promise<EndpointChannel>;
  report(channel: EndpointChannel, outcome: "ok" | "failed"): void;
  close(): void;
}

export interface EndpointPoolOptions {
  service: string;
  resolver: Resolver;
  clock: Clock;
  random: Random;
}

/** Failures in a row after which an instance is left alone; the figure of Finagle's failure accrual. */
const failuresMax = 5;
const ejectBaseMs = 1_000;
const ejectMaxMs = 30_000;
/** A service that is just starting is waited for this long. */
const firstEndpointWaitMs = 2_000;

export function createEndpointPool(options: EndpointPoolOptions): EndpointPool {
  const { service, clock, random } = options;
  const channels = new Map<string, EndpointChannel>();
  let changed = Promise.withResolvers<void>();

  const watch = options.resolver.watch(service, (endpoints) => {
    replaceChannels(channels, endpoints, clock);
    changed.resolve();
    changed = Promise.withResolvers<void>();
  });

  async function firstEndpoint(signal: AbortSignal | undefined): Promise<void> {
    const deadlineMs = clock.monotonicMs() + firstEndpointWaitMs;
    while (channels.size === 0 && clock.monotonicMs() < deadlineMs && !signal?.aborted) {
      const waited = new AbortController();
      await Promise.race([
        changed.promise,
        clock.sleep(deadlineMs - clock.monotonicMs(), waited.signal).catch(() => {}),
      ]);
      waited.abort();
    }
  }

  /** Those that serve and work; failing these, those that serve; failing these, any. Untried ones before all others. */
  function candidates(tried: ReadonlySet<EndpointChannel>): EndpointChannel[] {
    const nowMs = clock.monotonicMs();
    const all = [...channels.values()];
    const untried = tried.size === 0 ? all : all.filter((channel) => !tried.has(channel));
    const choice = untried.length > 0 ? untried : all;
    const working = choice.filter(({ endpoint, ejectedUntilMs }) => !endpoint.draining && ejectedUntilMs <= nowMs);
    if (working.length > 0) return working;
    const serving = choice.filter((channel) => !channel.endpoint.draining);
    return serving.length > 0 ? serving : choice;
  }

  return {
    async pick(tried, signal) {
      if (channels.size === 0) await firstEndpoint(signal);
      const found = candidates(tried);
      const first = found[Math.floor(random.fraction() * found.length)];
      const second = found[Math.floor(random.fraction() * found.length)];
      if (!first || !second) throw noInstance(service);
      return first.inHand <= second.inHand ? first : second;
    },
    report(channel, outcome) {
      if (outcome === "ok") {
        channel.failuresInRow = 0;
        return;
      }
      if (++channel.failuresInRow < failuresMax) return;
      const ejections = channel.failuresInRow - failuresMax;
      channel.ejectedUntilMs = clock.monotonicMs() + Math.min(ejectMaxMs, ejectBaseMs * 2 ** ejections);
    },
    close() {
      watch.close();
      for (const channel of channels.values()) channel.close();
    },
  };
}

function replaceChannels(channels: Map<string, EndpointChannel>, endpoints: readonly Endpoint[], clock: Clock): void {
  const wanted = new Map(endpoints.map((endpoint) => [endpoint.instanceId, endpoint]));
  for (const [id, channel] of channels) {
    const endpoint = wanted.get(id);
    if (endpoint?.host === channel.endpoint.host && endpoint.port === channel.endpoint.port) continue;
    channels.delete(id);
    // Calls in hand finish on their session; an idle session closes itself.
    if (channel.inHand === 0) channel.close();
  }
  for (const endpoint of endpoints) {
    const channel = channels.get(endpoint.instanceId);
    if (channel) Object.assign(channel, { endpoint });
    else channels.set(endpoint.instanceId, createEndpointChannel(endpoint, clock));
  }
}

const noInstance = (service: string): Fault =>
  new Fault({
    code: "unavailable",
    reason: "SERVICE_UNAVAILABLE",
    message: `no instance of ${service} can be reached right now, try again shortly`,
    retryAfterMs: 1_000,
  });
