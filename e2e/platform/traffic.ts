import { type Clock, systemClock } from "@plinth/kernel";

export interface TrafficReport {
  sent: number;
  failed: string[];
}

export interface TrafficOptions {
  /** Throws when the call failed. */
  call: () => Promise<void>;
  pauseMs: number;
  clock?: Clock;
}

/** Calls again and again until stopped; says how often it failed and how. */
export function startTraffic({ call, pauseMs, clock = systemClock }: TrafficOptions): {
  stop(): Promise<TrafficReport>;
} {
  const stopping = new AbortController();
  const report: TrafficReport = { sent: 0, failed: [] };
  async function go(): Promise<void> {
    while (!stopping.signal.aborted) {
      report.sent++;
      await call().catch((err: Error) => void report.failed.push(`${err.message}${err.cause ? `: ${err.cause}` : ""}`));
      await clock.sleep(pauseMs, stopping.signal).catch(() => {});
    }
  }
  const going = go();
  return {
    async stop() {
      stopping.abort();
      await going;
      return report;
    },
  };
}
