export { type ConsulRegistryOptions, createConsulRegistry } from "./consul-registry.ts";
export { type ConsulResolverOptions, createConsulResolver } from "./consul-resolver.ts";
