import { metrics } from "@opentelemetry/api";
import { type Clock, type Component, createRounds, type Logger } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import type { EntrySealer } from "../store/entry-sealer.ts";
import { adoptEarlier } from "./adopt-earlier.ts";
import { integrate } from "./integrate.ts";
import type { LogKeys } from "./log-keys.ts";

export interface SequencerOptions {
  database: Database;
  sealer: EntrySealer;
  keys: LogKeys;
  clock: Clock;
  logger: Logger;
  origin: string;
}

/** Brings entries into the tree. Every instance has one; the lock on the log's head lets one work at a time. */
export interface Sequencer extends Component {
  /** Moves and integrates one batch; `sign`: signs anew even when there is none. True when there may be more to do. */
  round(options?: { sign?: boolean }): Promise<boolean>;
}

/** Between two looks for new entries: below the second after which an entry has to be in the tree. */
const intervalMs = 250;
/** After a failure; a log that was changed stays so until a person looks at it. */
const retryMs = 5_000;
/** A change of keys by another instance, or one whose time is over, shows in the checkpoint within this. */
const signAnewMs = 10_000;
const integrateMax = 2_000;
const adoptMax = 500;

interface State {
  sequence: string;
  size: string;
  earlier: boolean;
}

const look = "SELECT head.sequence, log_head.size, EXISTS (SELECT FROM entry) AS earlier FROM head, log_head";

export function createSequencer({ database, sealer, keys, clock, logger, origin }: SequencerOptions): Sequencer {
  const meter = metrics.getMeter("plinth.audit");
  const integrated = meter.createCounter("plinth_audit_integrated_total", {
    description: "Entries brought into the audit log's tree",
  });
  const failures = meter.createCounter("plinth_audit_sequencer_failures_total", {
    description: "Rounds in which nothing was signed: a database that is away, or a log that somebody changed",
  });
  let signedAtMs = Number.NEGATIVE_INFINITY;

  async function round({ sign = false } = {}): Promise<boolean> {
    const [state] = await database.query<State>(look, [], "sequencer_look");
    if (state === undefined) throw new Error("the audit log has no head");
    const adopted = state.earlier ? await database.transaction((tx) => adoptEarlier(tx, sealer, adoptMax)) : 0;
    if (adopted > 0) logger.info({ entries: adopted }, "moved entries of the version before");
    const fresh = clock.monotonicMs() - signedAtMs < signAnewMs;
    if (adopted === 0 && state.sequence === state.size && fresh && !sign) return false;
    const options = { keys, clock, origin, batchMax: integrateMax };
    const { from, to } = await database.transaction((tx) => integrate(tx, options));
    signedAtMs = clock.monotonicMs();
    integrated.add(to - from);
    return adopted > 0 || to - from === integrateMax;
  }

  const rounds = createRounds({
    ...{ name: "audit log sequencer", clock, intervalMs, retryMs },
    round: () => round(),
    failed(err) {
      failures.add(1);
      logger.error({ err }, "entries could not be brought into the audit log's tree, trying again");
    },
  });

  return {
    ...rounds,
    round,
    async start() {
      // Here, so that a service with the wrong secret does not start: events wait on the bus instead of failing.
      await keys.check();
      await rounds.start?.();
    },
  };
}
