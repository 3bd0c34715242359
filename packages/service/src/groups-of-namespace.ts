import type { EventBus } from "@plinth/bus";
import { qualifiedServiceName } from "@plinth/kernel";

/**
 * Consumer groups are the whole bus's; two teams may give theirs one name. Those of services outside the platform's namespace
 * carry their own namespace, as the services do.
 */
export function groupsOfNamespace(
  bus: EventBus,
  namespaces: { namespace: string | undefined; platformNamespace: string },
): EventBus {
  return {
    ...bus,
    subscribe: (options) => bus.subscribe({ ...options, group: qualifiedServiceName(options.group, namespaces) }),
  };
}
