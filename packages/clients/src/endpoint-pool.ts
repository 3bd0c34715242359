import {
  type BalancerMetrics,
  type Candidate,
  Latency,
  type ObservedService,
  Outlier,
  pickEndpoint,
  subsetOf,
} from "@plinth/balancer";
import type { Endpoint, Resolver } from "@plinth/discovery";
import { type Clock, Fault, type Logger, type Random } from "@plinth/kernel";
import { createEndpointChannel, type EndpointChannel } from "./endpoint-channel.ts";

/** One instance as its callers see it: the connection to it, and what is known of how it answers. */
export interface Member extends Candidate {
  readonly instanceId: string;
  readonly channel: EndpointChannel;
  draining: boolean;
  inFlight: number;
  connections(): { open: number; waiting: number };
}

/** The instances of one service. */
export interface EndpointPool {
  /** The one that a further call costs least, of two random ones; waits briefly while none is known. Throws Fault unavailable. */
  pick(tried: ReadonlySet<Member>, signal: AbortSignal | undefined): Promise<Member>;
  /** Whether it knows one that was not tried. */
  hasOthers(tried: ReadonlySet<Member>): boolean;
  /** What became of a call that began at `sinceMs` of the monotonic clock. "other": it says nothing about the instance. */
  report(member: Member, outcome: "ok" | "failed" | "other", sinceMs: number): void;
  observed(): ObservedService;
  close(): void;
}

export interface EndpointPoolOptions {
  service: string;
  /** Names this caller among those who call the same service. */
  caller: string;
  resolver: Resolver;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: BalancerMetrics;
}

/** A service that is just starting is waited for this long. */
const firstEndpointWaitMs = 2_000;

export function createEndpointPool(options: EndpointPoolOptions): EndpointPool {
  const { service, clock, random, logger, metrics } = options;
  let members: readonly Member[] = [];
  let leftOut = 0;
  const onWaited = (ms: number): void => metrics.waited(service, ms);
  const onPanic = (): void => metrics.panicked(service);
  const create = (endpoint: Endpoint): Member => newMember(endpoint, { clock, random, onWaited });
  let changed = Promise.withResolvers<void>();

  const watch = options.resolver.watch(service, (endpoints) => {
    const own = subsetOf(endpoints, ({ instanceId }) => instanceId, options.caller);
    leftOut = endpoints.length - own.length;
    members = replaceMembers(members, own, create);
    changed.resolve();
    changed = Promise.withResolvers<void>();
  });

  async function firstMembers(signal: AbortSignal | undefined): Promise<void> {
    const deadlineMs = clock.monotonicMs() + firstEndpointWaitMs;
    while (members.length === 0 && clock.monotonicMs() < deadlineMs && !signal?.aborted) {
      const waited = new AbortController();
      await Promise.race([
        changed.promise,
        clock.sleep(deadlineMs - clock.monotonicMs(), waited.signal).catch(() => {}),
      ]);
      waited.abort();
    }
  }

  return {
    async pick(tried, signal) {
      if (members.length === 0) await firstMembers(signal);
      const nowMs = clock.monotonicMs();
      // When all have been tried, one of them may work by now.
      const picked =
        pickEndpoint(members, tried, nowMs, random, onPanic) ?? pickEndpoint(members, noneTried, nowMs, random);
      if (!picked) throw noInstance(service);
      return picked;
    },
    hasOthers: (tried) => members.some((member) => !tried.has(member)),
    report(member, outcome, sinceMs) {
      if (outcome === "other") return;
      const nowMs = clock.monotonicMs();
      if (outcome === "ok") {
        member.latency.answered(nowMs - sinceMs, nowMs);
        member.outlier.succeeded();
        return;
      }
      member.latency.failed(nowMs - sinceMs, nowMs);
      const ejection = member.outlier.failed(nowMs);
      if (ejection === undefined) return;
      metrics.ejected(service, ejection);
      logger.warn({ service, endpoint: member.instanceId }, "instance is left alone after failures in a row");
    },
    observed: () => ({ service, leftOut, members }),
    close() {
      watch.close();
      for (const { channel } of members) channel.close();
    },
  };
}

const noneTried: ReadonlySet<Member> = new Set();

/** Instances that stay keep their connection and what was learned about them. */
function replaceMembers(
  members: readonly Member[],
  endpoints: readonly Endpoint[],
  create: (endpoint: Endpoint) => Member,
): readonly Member[] {
  const known = new Map(members.map((member) => [member.instanceId, member]));
  const next = endpoints.map((endpoint): Member => {
    const { instanceId, draining } = endpoint;
    const member = known.get(instanceId);
    if (!member || !isAt(member.channel, endpoint)) return create(endpoint);
    known.delete(instanceId);
    member.draining = draining;
    return member;
  });
  // Calls in flight finish on their session; an idle session closes itself.
  for (const member of known.values()) if (member.inFlight === 0) member.channel.close();
  return next;
}

const isAt = ({ endpoint: { host, port } }: EndpointChannel, endpoint: Endpoint): boolean =>
  host === endpoint.host && port === endpoint.port;

interface NewMemberOptions {
  clock: Clock;
  random: Random;
  onWaited: (ms: number) => void;
}

function newMember(endpoint: Endpoint, { clock, random, onWaited }: NewMemberOptions): Member {
  const channel = createEndpointChannel(endpoint, clock, onWaited);
  return {
    instanceId: endpoint.instanceId,
    channel,
    draining: endpoint.draining,
    outlier: new Outlier({ random }),
    latency: new Latency(),
    inFlight: 0,
    connections: () => channel.counts(),
  };
}

const noInstance = (service: string): Fault =>
  new Fault({
    code: "unavailable",
    reason: "SERVICE_UNAVAILABLE",
    message: `no instance of ${service} can be reached right now, try again shortly`,
    retryAfterMs: 1_000,
  });
