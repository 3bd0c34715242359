/** The platform's own services. Their bare names mean them in every namespace: a service of somebody else never answers to one. */
export const platformServiceNames: readonly string[] = ["audit", "auth", "authz", "gateway", "identity"];

/** Namespaces are those of Kubernetes; undefined outside of it, where every name is bare. */
export interface Namespaces {
  namespace: string | undefined;
  platformNamespace: string;
}

/**
 * The name by which others know a service, in workload tokens, permissions and events: "notes" in the platform's namespace,
 * "notes.NAMESPACE" in any other, so that two teams may both have a service "notes".
 */
export function qualifiedServiceName(name: string, { namespace, platformNamespace }: Namespaces): string {
  return namespace === undefined || namespace === platformNamespace ? name : `${name}.${namespace}`;
}

/** Under which a cluster's DNS has a Service, and service meshes know it. */
export const serviceHost = ({ name, namespace }: { name: string; namespace: string }): string =>
  `${name}.${namespace}.svc`;

/** Where a service is that somebody in `namespace` calls by "name" (a neighbour or the platform's) or "name.namespace". */
export function locateService(
  service: string,
  { namespace, platformNamespace }: { namespace: string; platformNamespace: string },
): { name: string; namespace: string } {
  const dot = service.indexOf(".");
  if (dot !== -1) return { name: service.slice(0, dot), namespace: service.slice(dot + 1) };
  return { name: service, namespace: platformServiceNames.includes(service) ? platformNamespace : namespace };
}
