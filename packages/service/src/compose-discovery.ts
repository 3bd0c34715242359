import {
  createPostgresRegistry,
  createPostgresResolver,
  createStaticResolver,
  noRegistry,
  parseStaticEndpoints,
  type Registry,
  type Resolver,
} from "@plinth/discovery";
import type { Clock, Logger, Random } from "@plinth/kernel";
import type { DiscoveryConfig } from "./discovery-config.ts";
import type { BaseConfig } from "./service-config.ts";

/** Where this process registers and finds others. Each driver is loaded when it is used: nobody pays for the others. */
export async function composeDiscovery(
  config: BaseConfig & DiscoveryConfig,
  common: { applicationName: string; logger: Logger; clock: Clock; random: Random },
): Promise<{ resolver: Resolver; registry: Registry }> {
  switch (config.discoveryDriver) {
    case "postgres": {
      const options = { ...common, url: given(config.discoveryUrl) };
      return { resolver: createPostgresResolver(options), registry: createPostgresRegistry(options) };
    }
    case "kubernetes": {
      const { createKubernetesResolver } = await import("@plinth/discovery/kubernetes");
      const { discoveryMode: mode, kubeconfig, namespace, platformNamespace } = config;
      const options = { ...common, mode, kubeconfig, namespace, platformNamespace };
      return { resolver: await createKubernetesResolver(options), registry: noRegistry };
    }
    case "etcd": {
      const { createEtcdRegistry, createEtcdResolver } = await import("@plinth/discovery/etcd");
      const options = { ...common, urls: given(config.discoveryServers), prefix: given(config.discoveryPrefix) };
      return { resolver: createEtcdResolver(options), registry: createEtcdRegistry(options) };
    }
    case "consul": {
      const { createConsulRegistry, createConsulResolver } = await import("@plinth/discovery/consul");
      const token = config.discoveryToken === "" ? undefined : config.discoveryToken;
      const options = { ...common, url: given(config.discoveryAgent), token };
      const grpcCheck = given(config.discoveryGrpcCheck);
      return { resolver: createConsulResolver(options), registry: createConsulRegistry({ ...options, grpcCheck }) };
    }
    case "dns": {
      const { createDnsResolver } = await import("@plinth/discovery/dns");
      const name = given(config.discoveryDns);
      const servers = given(config.discoveryDnsServers);
      const intervalMs = given(config.discoveryIntervalMs);
      return { resolver: createDnsResolver({ ...common, name, servers, intervalMs }), registry: noRegistry };
    }
    case "static": {
      const endpoints = parseStaticEndpoints(config.discoveryStatic.join(","));
      return { resolver: createStaticResolver(endpoints), registry: noRegistry };
    }
  }
}

/** A key of the driver that was chosen: it was read. */
function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the configuration of the discovery driver was not read");
  return value;
}
