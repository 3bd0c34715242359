import { type Clock, type Component, Fault, isFault, type Logger, type Random } from "@plinth/kernel";
import type { ApiClient } from "./api-client.ts";
import { createDeadline } from "./deadline.ts";
import { createElectionMetrics } from "./election-metrics.ts";
import { formatMicroTime } from "./micro-time.ts";
import { resources } from "./resources.ts";

/** A period in which this process leads. */
export interface Term {
  /** Greater for every later term of any process: the lease's leaseTransitions. */
  readonly token: number;
  /** Aborts when leadership is lost or given up. */
  readonly signal: AbortSignal;
  /** Judged by the local monotonic clock, so it is false after a long stop of the process before any timer ran. */
  isHeld(): boolean;
}

export interface LeaseElectionOptions {
  client: ApiClient;
  lease: { namespace: string; name: string };
  /** For people: instance or pod name. Made unique per process. */
  identity: string;
  /** Runs while this process leads; must return soon after `term.signal` aborts. */
  lead: (term: Term) => Promise<void>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Others take over when they saw no renewal for this long. Default 15 s; whole seconds. */
  leaseDurationMs?: number;
  /** A leader that could not renew for this long steps down. Default 10 s; below leaseDurationMs. */
  renewDeadlineMs?: number;
  /** Between attempts to acquire and to renew. Default 2 s. */
  retryPeriodMs?: number;
}

export interface LeaseElection extends Component {
  term(): Term | undefined;
  /** Who leads, as last seen. */
  leader(): string | undefined;
}

type Lease = NonNullable<typeof resources.leases.object>;

/**
 * Leader election on a coordination.k8s.io Lease. Whether a lease ran out is decided by when this process saw it change last,
 * on its own monotonic clock; the times in the lease are for people. So clocks may be wrong by any amount.
 */
export function createLeaseElection(options: LeaseElectionOptions): LeaseElection {
  const { client, lease: ref, clock, random, logger } = options;
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
  if (renewDeadlineMs >= leaseDurationMs || retryPeriodMs >= renewDeadlineMs) {
    throw new TypeError("retryPeriodMs < renewDeadlineMs < leaseDurationMs must hold");
  }
  const identity = `${options.identity}_${random.uuidv7(clock.now())}`;
  const metrics = createElectionMetrics(ref.name, () => term !== undefined);
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let term: Term | undefined;
  /** The lease as last read or written, and when it was first seen like this. */
  let observed: { lease: Lease; sinceMs: number } | undefined;

  function observe(lease: Lease): void {
    if (observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    observed = { lease, sinceMs: clock.monotonicMs() };
  }

  const pause = (signal: AbortSignal): Promise<void> =>
    clock.sleep(retryPeriodMs * (1 + 0.2 * random.fraction()), signal).catch(() => {});

  function specOf(token: number, previous: Lease | undefined): NonNullable<Lease["spec"]> {
    const now = formatMicroTime(clock.now());
    const acquireTime = previous ? previous.spec?.acquireTime : now;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      ...(acquireTime ? { acquireTime } : {}),
      renewTime: now,
      leaseTransitions: token,
    };
  }

  /** The token of a new term and when the request that won it was sent; undefined when another holds the lease. */
  async function tryAcquire(): Promise<{ token: number; sentAtMs: number } | undefined> {
    const found = await client.find(resources.leases, ref, { signal: stopping.signal, timeoutMs: retryPeriodMs });
    if (found) observe(found);
    const holder = found?.spec?.holderIdentity;
    if (found && holder && holder !== identity && !expired()) return undefined;
    const token = (found?.spec?.leaseTransitions ?? 0) + 1;
    const sentAtMs = clock.monotonicMs();
    const bounds = { timeoutMs: retryPeriodMs, signal: stopping.signal };
    const spec = specOf(token, undefined);
    const written = found
      ? await client.update(resources.leases, { metadata: found.metadata, spec }, bounds)
      : await client.create(resources.leases, { metadata: ref, spec }, bounds);
    observe(written);
    return { token, sentAtMs };
  }

  function expired(): boolean {
    if (!observed) return false;
    // The holder's own duration counts: it may run with other settings.
    const durationMs = Math.max(leaseDurationMs, (observed.lease.spec?.leaseDurationSeconds ?? 0) * 1000);
    return clock.monotonicMs() - observed.sinceMs > durationMs;
  }

  /** Renews until that fails for too long, another one holds the lease, or `signal` aborts. Returns why it ended. */
  async function keep(held: { token: number; renewedAtMs: number }, signal: AbortSignal): Promise<string> {
    for (;;) {
      await pause(signal);
      if (signal.aborted) return "stopping";
      const leftMs = held.renewedAtMs + renewDeadlineMs - clock.monotonicMs();
      if (leftMs <= 0) return "the lease could not be renewed in time";
      // Bounds the attempt and the look at what went wrong: the leader knows by then that it does not lead any more.
      using deadline = createDeadline({ clock, ms: leftMs, outer: signal, onTimeout: renewDeadline });
      try {
        const sentAtMs = clock.monotonicMs();
        await write(held.token, identity, deadline.signal);
        held.renewedAtMs = sentAtMs;
      } catch (err) {
        if (signal.aborted) return "stopping";
        logger.warn({ err, lease: ref.name }, "lease was not renewed");
        if (await lostToAnother(held.token, deadline.signal)) return "another instance holds the lease";
      }
    }
  }

  /** Replaces the lease as last seen; refused when somebody changed it since. */
  async function write(token: number, holderIdentity: string, signal?: AbortSignal): Promise<void> {
    const current = observed?.lease;
    if (!current) throw new Error("no lease was ever seen");
    const released = holderIdentity === "" ? { leaseDurationSeconds: 1 } : {};
    const spec = { ...specOf(token, current), holderIdentity, ...released };
    const lease = { metadata: current.metadata, spec };
    observe(await client.update(resources.leases, lease, { timeoutMs: Math.min(5_000, renewDeadlineMs), signal }));
  }

  /** After a refused write: somebody else's, or our own whose answer was lost. */
  async function lostToAnother(token: number, signal: AbortSignal): Promise<boolean> {
    try {
      const found = await client.find(resources.leases, ref, { signal, timeoutMs: retryPeriodMs });
      if (!found) return true;
      observe(found);
      return found.spec?.holderIdentity !== identity || found.spec.leaseTransitions !== token;
    } catch {
      return false;
    }
  }

  async function leadOnce(token: number, sentAtMs: number): Promise<void> {
    const held = { token, renewedAtMs: sentAtMs };
    const ending = new AbortController();
    const current: Term = {
      token,
      signal: ending.signal,
      isHeld: () => !ending.signal.aborted && clock.monotonicMs() < held.renewedAtMs + renewDeadlineMs,
    };
    term = current;
    logger.info({ lease: ref.name, identity, term: token }, "leading");
    const work = Promise.resolve()
      .then(() => options.lead(current))
      .catch((err) => logger.error({ err, term: token }, "the leader's work failed"));
    // Work that returns by itself gives leadership up.
    const workDone = new AbortController();
    const settled = work.then(() => workDone.abort());
    const why = await keep(held, AbortSignal.any([stopping.signal, workDone.signal]));
    ending.abort(new Fault({ code: "aborted", reason: "LEADERSHIP_LOST", message: `leadership ended: ${why}` }));
    await settled;
    term = undefined;
    logger.info({ lease: ref.name, identity, term: token, why }, "no longer leading");
    // Only after the work has ended: the next leader starts at once.
    await release(token);
  }

  async function release(token: number): Promise<void> {
    const current = observed?.lease;
    if (current?.spec?.holderIdentity !== identity || current.spec.leaseTransitions !== token) return;
    try {
      await write(token, "");
    } catch (err) {
      logger.warn({ err, lease: ref.name }, "lease was not released; others wait until it runs out");
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const won = await tryAcquire();
        if (won) await leadOnce(won.token, won.sentAtMs);
      } catch (err) {
        const lostRace = isFault(err) && (err.code === "aborted" || err.code === "already_exists");
        if (!stopping.signal.aborted && !lostRace) logger.warn({ err, lease: ref.name }, "lease was not acquired");
      }
      await pause(stopping.signal);
    }
  }

  return {
    name: `election ${ref.namespace}/${ref.name}`,
    term: () => term,
    leader: () => observed?.lease.spec?.holderIdentity || undefined,
    async start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
      metrics.close();
    },
  };
}

const renewDeadline = (): DOMException => new DOMException("renew deadline", "TimeoutError");
