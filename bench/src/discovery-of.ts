import { createPostgresRegistry, createPostgresResolver, type Registry, type Resolver } from "@plinth/discovery";
import { createConsulRegistry, createConsulResolver } from "@plinth/discovery/consul";
import { createEtcdRegistry, createEtcdResolver } from "@plinth/discovery/etcd";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";

const common = { applicationName: "bench", logger: silentLogger, clock: systemClock, random: systemRandom };

const drivers: Record<string, (url: string) => { registry: Registry; resolver: Resolver }> = {
  postgres: (url) => ({
    registry: createPostgresRegistry({ ...common, url }),
    resolver: createPostgresResolver({ ...common, url }),
  }),
  etcd: (urls) => ({
    registry: createEtcdRegistry({ ...common, urls }),
    resolver: createEtcdResolver({ ...common, urls }),
  }),
  consul: (url) => ({
    registry: createConsulRegistry({ ...common, url, token: undefined, grpcCheck: false }),
    resolver: createConsulResolver({ ...common, url, token: undefined }),
  }),
};

/** Registry and resolver of a driver, started. */
export async function discoveryOf(driver: string, url: string): Promise<{ registry: Registry; resolver: Resolver }> {
  const made = drivers[driver]?.(url);
  if (made === undefined) throw new Error(`there is no registry "${driver}"`);
  await made.registry.start?.();
  await made.resolver.start?.();
  return made;
}
