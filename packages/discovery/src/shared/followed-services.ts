import type { Clock } from "@plinth/kernel";
import type { Endpoint, Watch } from "../discovery.ts";

export interface FollowedServicesOptions {
  clock: Clock;
  /** For so long after the registry was away nobody is dropped, so that everyone has time to renew: one lease. */
  graceMs: number;
  /** Aborted at the end. */
  stopping: AbortSignal;
  /** Somebody asks for a service that nobody asked for before. */
  opened(service: string): void;
  /** The last one who asked is gone. */
  closed?(service: string): void;
}

interface Followed {
  /** What the registry said last. */
  found: readonly Endpoint[];
  /** What those who asked know. */
  endpoints: readonly Endpoint[] | undefined;
  /** The same as text, to compare with. */
  text: string;
  listeners: Set<(endpoints: readonly Endpoint[]) => void>;
}

/** What every driver knows of the services that somebody asks for: their endpoints, and whom to tell. */
export interface FollowedServices {
  watch(service: string, onChange: (endpoints: readonly Endpoint[]) => void): Watch;
  names(): string[];
  /** What the registry says now. Tells those who asked unless it is what they know. */
  publish(service: string, found: readonly Endpoint[]): void;
  /** The registry cannot be reached: what is known stays. */
  lost(): void;
  /** It can be reached again. */
  found(): void;
}

export function createFollowedServices(options: FollowedServicesOptions): FollowedServices {
  const { clock, graceMs } = options;
  const followed = new Map<string, Followed>();
  let keepUntilMs = 0;

  function publish(service: string, found: readonly Endpoint[]): void {
    const entry = followed.get(service);
    if (entry === undefined) return;
    entry.found = found;
    const kept = clock.monotonicMs() < keepUntilMs ? (entry.endpoints ?? []) : [];
    const endpoints = merged(found, kept);
    const text = JSON.stringify(endpoints);
    if (entry.text === text) return;
    entry.text = text;
    entry.endpoints = Object.freeze(endpoints);
    for (const listener of entry.listeners) listener(endpoints);
  }

  async function dropWhoStayedAway(): Promise<void> {
    const until = keepUntilMs;
    await clock.sleep(graceMs, options.stopping).catch(() => {});
    // The registry was away again meanwhile: nobody is dropped before it is back.
    if (options.stopping.aborted || keepUntilMs !== until) return;
    keepUntilMs = 0;
    for (const [service, { endpoints, found }] of followed) if (endpoints !== undefined) publish(service, found);
  }

  return {
    watch(service, onChange) {
      let entry = followed.get(service);
      if (entry === undefined) {
        entry = { found: [], endpoints: undefined, text: "", listeners: new Set() };
        followed.set(service, entry);
        options.opened(service);
      }
      const { listeners } = entry;
      listeners.add(onChange);
      if (entry.endpoints) onChange(entry.endpoints);
      return {
        close() {
          listeners.delete(onChange);
          if (listeners.size > 0 || followed.get(service)?.listeners !== listeners) return;
          followed.delete(service);
          options.closed?.(service);
        },
      };
    },
    names: () => [...followed.keys()],
    publish,
    lost() {
      keepUntilMs = Number.POSITIVE_INFINITY;
    },
    found() {
      if (keepUntilMs !== Number.POSITIVE_INFINITY) return;
      keepUntilMs = clock.monotonicMs() + graceMs;
      void dropWhoStayedAway();
    },
  };
}

/** In the order of their ids; of two with one id, what was found. */
function merged(found: readonly Endpoint[], kept: readonly Endpoint[]): Endpoint[] {
  const byId = new Map([...kept, ...found].map((endpoint) => [endpoint.instanceId, endpoint]));
  return [...byId.values()].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
}
