export { createEtcdRegistry, type EtcdRegistryOptions } from "./etcd-registry.ts";
export { createEtcdResolver, type EtcdResolverOptions } from "./etcd-resolver.ts";
