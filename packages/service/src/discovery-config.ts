import { bool, type ConfigOf, durationMs, list, secret, text, url } from "@plinth/kernel";

const postgres = {
  discoveryUrl: {
    ...url("PLINTH_DISCOVERY_URL", "for driver postgres: URL of the registry's role", {
      schemes: ["postgres", "postgresql"],
    }),
    secret: true,
  },
};

const etcd = {
  discoveryServers: secret(
    "PLINTH_DISCOVERY_URL",
    "for driver etcd: http:// or https:// URLs of one cluster's servers, comma-separated, with name and password where it asks for them",
  ),
  discoveryPrefix: text("PLINTH_DISCOVERY_PREFIX", "what the keys of all services begin with", {
    default: "plinth/services",
  }),
};

const consul = {
  discoveryAgent: url("PLINTH_DISCOVERY_URL", "for driver consul: this machine's agent", {
    schemes: ["http", "https"],
    default: "http://127.0.0.1:8500",
  }),
  discoveryToken: secret(
    "PLINTH_DISCOVERY_TOKEN",
    "ACL token with service:write for this service, service:read and node:read for those that it calls",
    { default: "" },
  ),
  discoveryGrpcCheck: bool(
    "PLINTH_DISCOVERY_GRPC_CHECK",
    "whether the agent calls grpc.health.v1 on this process as well, which it must be able to reach",
    { default: true },
  ),
};

const dns = {
  discoveryDns: text(
    "PLINTH_DISCOVERY_DNS",
    'for driver dns: an SRV name as "_grpc._tcp.{service}.internal", or name and port as "{service}.internal:8080"',
  ),
  discoveryDnsServers: list("PLINTH_DISCOVERY_DNS_SERVERS", "name servers, host:port; the system's when empty", {
    default: [],
  }),
  discoveryIntervalMs: durationMs("PLINTH_DISCOVERY_INTERVAL", "from one look to the next", { default: "5s" }),
};

/** Further keys of each PLINTH_DISCOVERY_DRIVER. */
export const discoveryConfigs = { postgres, etcd, consul, dns, kubernetes: {}, static: {} };

export type DiscoveryDriver = keyof typeof discoveryConfigs;
export type DiscoveryConfig = Partial<ConfigOf<typeof postgres & typeof etcd & typeof consul & typeof dns>>;

/** Those of one driver; of a driver that there is not, which is found elsewhere, none. */
export const discoveryConfigOf = (driver = "postgres"): (typeof discoveryConfigs)[DiscoveryDriver] =>
  discoveryConfigs[driver as DiscoveryDriver] ?? {};
