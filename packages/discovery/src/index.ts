export type { Endpoint, Instance, Registration, Registry, Resolver, Watch } from "./discovery.ts";
export { createPostgresRegistry, type PostgresRegistryOptions } from "./postgres/postgres-registry.ts";
export { createPostgresResolver, type PostgresResolverOptions } from "./postgres/postgres-resolver.ts";
export { discoverySchemaSql } from "./postgres/schema.ts";
export { defaultLeaseMs } from "./shared/lease.ts";
export { createStaticResolver, noRegistry, parseStaticEndpoints } from "./static/static-resolver.ts";
