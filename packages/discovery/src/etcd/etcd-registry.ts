import type { Clock, Logger } from "@plinth/kernel";
import type { Instance, Registry } from "../discovery.ts";
import { keepRegistered } from "../shared/keep-registered.ts";
import { defaultLeaseMs } from "../shared/lease.ts";
import { createEtcdClient, type EtcdClient } from "./etcd-client.ts";
import { defaultPrefix, keyOf, storedValue, toBase64 } from "./etcd-keys.ts";

export interface EtcdRegistryOptions {
  /** Comma-separated URLs of one cluster, with name and password where it asks for them. */
  urls: string;
  /** What comes before "/service/instance". Default "plinth/services". */
  prefix?: string;
  logger: Logger;
  clock: Clock;
  /** Default 6 s; etcd counts in seconds and has a least of its own (about 2 s). */
  leaseMs?: number;
}

/** Registers instances as keys that hang on a lease: etcd takes them away when it is not renewed. */
export function createEtcdRegistry(options: EtcdRegistryOptions): Registry {
  const { logger, clock, prefix = defaultPrefix, leaseMs = defaultLeaseMs } = options;
  const client = createEtcdClient(options.urls, clock);
  const stopping = new AbortController();
  return {
    name: "registry",
    async stop() {
      stopping.abort();
    },
    register(instance) {
      const entry = createLeasedKey(client, prefix, instance, Math.ceil(leaseMs / 1000));
      return keepRegistered({ ...entry, instance, leaseMs, logger, clock, stopping: stopping.signal });
    },
  };
}

/** The key of one instance and the lease that it hangs on. */
function createLeasedKey(client: EtcdClient, prefix: string, instance: Instance, ttlSeconds: number) {
  const key = toBase64(keyOf(prefix, instance));
  let lease: string | undefined;

  async function liveLease(): Promise<string> {
    if (lease !== undefined) {
      const { result } = await client.call<{ result?: { TTL?: string } }>("lease/keepalive", { ID: lease });
      if (Number(result?.TTL ?? 0) > 0) return lease;
    }
    lease = (await client.call<{ ID: string }>("lease/grant", { TTL: String(ttlSeconds) })).ID;
    return lease;
  }

  return {
    /** Keeps the lease and, unless the key is there as it should be, writes it: an etcd that lost its data knows neither. */
    async renew(draining: boolean): Promise<void> {
      const held = await liveLease();
      const value = toBase64(storedValue(instance, draining));
      await client.call("kv/txn", {
        compare: [
          { key, target: "VALUE", result: "EQUAL", value },
          { key, target: "LEASE", result: "EQUAL", lease: held },
        ],
        failure: [{ requestPut: { key, value, lease: held } }],
      });
    },
    async remove(): Promise<void> {
      // With the lease goes the key.
      if (lease !== undefined) await client.call("lease/revoke", { ID: lease });
    },
  };
}
