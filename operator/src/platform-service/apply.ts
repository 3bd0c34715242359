import { type Fault, isFault } from "@plinth/kernel";
import { type ApiClient, type Draft, isOwnedBy, type KubeObject } from "@plinth/kube";
import type { Child } from "./child.ts";
import { fieldManager } from "./labels.ts";
import type { Observed } from "./observed.ts";
import type { Unwanted } from "./plan.ts";
import type { ServiceObject } from "./resources.ts";

export type ApplyResult =
  | { done: true }
  /** The cache does not show yet what the API server has. */
  | { behind: string }
  /** `err`: trying again may help. */
  | { refused: NonNullable<Observed["refused"]>; err?: Fault };

/** Writes children in order and stops at the first that cannot be written. Never takes over what belongs to somebody else. */
export async function applyChildren(
  client: ApiClient,
  service: ServiceObject,
  children: readonly Child[],
  known: readonly KubeObject[],
  signal: AbortSignal,
): Promise<ApplyResult> {
  for (const child of children) {
    const { kind } = child.resource;
    const { name } = child.object.metadata;
    const isKnown = known.some((object) => object.kind === kind && object.metadata.name === name);
    try {
      await write(client, child, !isKnown, signal);
    } catch (err) {
      if (isFault(err) && err.code === "already_exists") {
        const found = await client.find(child.resource, refOf(child.object), { signal });
        if (found && !isOwnedBy(found, service)) return { refused: taken(kind, name, found) };
        return { behind: `${kind} ${name}` };
      }
      if (isFault(err) && isRefusal(err)) {
        return { refused: { reason: "ChildRefused", message: `${kind} ${name}: ${err.message}` } };
      }
      if (isFault(err) && isTrouble(err)) {
        return { refused: { reason: "ChildNotWritten", message: `${kind} ${name}: ${err.message}` }, err };
      }
      throw err;
    }
  }
  return { done: true };
}

/** The first write under a name makes the object or fails: what is there already may be somebody else's. */
function write(
  client: ApiClient,
  { resource, object, how }: Child,
  createOnly: boolean,
  signal: AbortSignal,
): Promise<KubeObject> {
  if (how === "create") return client.create(resource, object, { fieldManager, signal });
  return client.apply(resource, object, { fieldManager, force: true, createOnly, signal });
}

/** Deletes exactly what was seen; what changed since is looked at again. */
export async function pruneChildren(
  client: ApiClient,
  children: readonly Unwanted[],
  signal: AbortSignal,
): Promise<void> {
  for (const { resource, ref, uid, resourceVersion } of children) {
    await client.delete(resource, ref, { uid, resourceVersion, signal }).catch((err: unknown) => {
      if (!isFault(err) || err.code !== "aborted") throw err;
    });
  }
}

const refOf = ({ metadata }: Draft<KubeObject>): { namespace: string | undefined; name: string } => ({
  namespace: metadata.namespace,
  name: metadata.name,
});

const isRefusal = (fault: Fault): boolean => fault.code === "invalid_argument" || fault.code === "permission_denied";

/** The API server works, yet cannot do this: no addresses left, a quota, an admission webhook that is down. */
const isTrouble = (fault: Fault): boolean => fault.code === "internal" || fault.code === "resource_exhausted";

function taken(kind: string, name: string, found: KubeObject): NonNullable<Observed["refused"]> {
  const owner = found.metadata.ownerReferences?.find(({ controller }) => controller);
  const whose = owner ? `belongs to ${owner.kind} ${owner.name}` : "belongs to nobody";
  const message = `${kind} ${name} exists and ${whose}: delete it, or give the PlatformService another name`;
  return { reason: "NameTaken", message };
}
