import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { metrics } from "@opentelemetry/api";
import { appendEvent } from "@plinth/bus";
import type { Clock, Component, Logger } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import { AccessDeniedSchema } from "@plinth/proto/plinth/audit/v1/events";
import type { Denial } from "@plinth/rpc";

export interface DenialRecorder extends Component {
  record(denial: Denial): void;
}

export interface DenialRecorderOptions {
  database: Database;
  clock: Clock;
  logger: Logger;
}

/** What one caller is refused at one RPC, not told yet. */
interface Repeated {
  /** When the window began, on the monotonic clock. */
  sinceMs: number;
  last: Denial;
  count: number;
  firstMs: number;
  lastMs: number;
}

const topic = "audit.denial.v1";
/** Further refusals of the same kind are counted for this long before they are told. */
const windowMs = 60_000;
/** Kinds of refusals counted at once, and events that wait for the database; what is beyond is counted in a metric only. */
const kindsMax = 1_000;
const waitingMax = 1_000;

/**
 * Tells the audit log of refused calls without letting a caller fill it: the first refusal of a kind (actor, RPC, reason)
 * is an event at once, its repetitions within a minute are one. Calls never wait for it.
 */
export function createDenialRecorder({ database, clock, logger }: DenialRecorderOptions): DenialRecorder {
  const kinds = new Map<string, Repeated>();
  const dropped = metrics
    .getMeter("plinth.service")
    .createCounter("plinth_denials_dropped_total", { description: "Refused calls that no event tells of" });
  const stopping = new AbortController();
  let waiting = 0;
  let writing: Promise<void> = Promise.resolve();
  let timing: Promise<void> = Promise.resolve();

  function tell({ last, count, firstMs, lastMs }: Omit<Repeated, "sinceMs">): void {
    if (waiting >= waitingMax) {
      dropped.add(count);
      return;
    }
    waiting++;
    const { rpc, reason, call } = last;
    const message = {
      ...{ rpc, reason, count: BigInt(count), ipAddress: call.remoteAddress, via: call.workload ?? "" },
      ...{ firstTime: timestampFromMs(firstMs), lastTime: timestampFromMs(lastMs) },
    };
    writing = writing.then(async () => {
      try {
        await database.transaction((tx) =>
          appendEvent(tx, {
            ...{ topic, key: call.actor, subject: `rpcs/${rpc}`, schema: AccessDeniedSchema, message },
            context: call,
          }),
        );
      } catch (err) {
        dropped.add(count);
        logger.warn({ err, rpc, actor: call.actor, count }, "refused calls could not be recorded");
      } finally {
        waiting--;
      }
    });
  }

  /** Tells what was repeated in windows that are over, and forgets them. */
  function close(untilMs: number): void {
    for (const [kind, repeated] of kinds) {
      // In the order of their beginning: the rest is younger.
      if (repeated.sinceMs > untilMs) break;
      kinds.delete(kind);
      if (repeated.count > 0) tell(repeated);
    }
  }

  async function closeForever(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(windowMs / 4, stopping.signal).catch(() => {});
      close(stopping.signal.aborted ? Number.POSITIVE_INFINITY : clock.monotonicMs() - windowMs);
    }
  }

  return {
    name: "denial recorder",
    record(denial) {
      const kind = JSON.stringify([denial.call.actor, denial.rpc, denial.reason]);
      const nowMs = clock.now();
      const known = kinds.get(kind);
      if (known) {
        if (known.count === 0) known.firstMs = nowMs;
        Object.assign(known, { last: denial, count: known.count + 1, lastMs: nowMs });
      } else if (kinds.size >= kindsMax) {
        dropped.add(1);
      } else {
        kinds.set(kind, { sinceMs: clock.monotonicMs(), last: denial, count: 0, firstMs: nowMs, lastMs: nowMs });
        tell({ last: denial, count: 1, firstMs: nowMs, lastMs: nowMs });
      }
    },
    async start() {
      timing = closeForever();
    },
    async stop() {
      stopping.abort();
      await timing;
      await writing;
    },
  };
}
