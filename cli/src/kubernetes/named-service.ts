import { isFault } from "@plinth/kernel";
import { platformServices, type ServiceObject } from "@plinth/operator";
import { CommandFailure } from "../exit-codes.ts";
import type { Cluster } from "./open-cluster.ts";

/** What the API server knows this CLI's writes by. */
export const fieldManager = "plinth-cli";

/** The PlatformService of this name. Throws CommandFailure that says which there are. */
export async function namedService({ client, namespace }: Cluster, name: string): Promise<ServiceObject> {
  const found = await client.find(platformServices, { namespace, name });
  if (found) return found;
  const { items } = await client.list(platformServices, { namespace });
  const names = items.map(({ metadata }) => metadata.name).join(", ");
  throw new CommandFailure(
    `there is no PlatformService ${name} in namespace ${namespace}${names ? `; there are ${names}` : ""}; name another namespace with -n`,
  );
}

/** Changes one, as a merge patch of what is given. */
export async function patchService(cluster: Cluster, name: string, patch: object): Promise<void> {
  await namedService(cluster, name);
  const { client, namespace } = cluster;
  try {
    await client.patch(platformServices, { namespace, name }, patch, { type: "merge", fieldManager });
  } catch (err) {
    if (!isFault(err) || err.code !== "permission_denied") throw err;
    throw new CommandFailure(`${err.message}: ask for the role edit in namespace ${namespace}`);
  }
}
