import type { KubeObject, Resource } from "@plinth/kube";
import { isOwnedBy } from "@plinth/kube";
import type { Backing } from "./backing.ts";
import type { Passwords } from "./database-access.ts";
import type { Gateway } from "./gateway-api.ts";
import type { ServiceObject } from "./resources.ts";

/** What went wrong with something outside the cluster. */
export interface Trouble {
  reason: "DatabaseUnreachable" | "DatabaseRefused" | "SchemaTaken" | "BusNotReady";
  message: string;
}

export interface Dependency {
  name: string;
  found: boolean;
  available: boolean;
}

/** What a pod says of itself: why it waits, or what it ended with. */
export interface PodNote {
  pod: string;
  /** For example ImagePullBackOff, CrashLoopBackOff, Unschedulable; undefined when nothing is wrong. */
  waiting?: { reason: string; message: string } | undefined;
  /** Last lines or result of the container that ended last. */
  ended?: { exitCode: number; message: string } | undefined;
}

/** Everything that was read about one PlatformService. What is not there is undefined or missing from a list. */
export interface Observed {
  /** Objects that carry the service's label and that it owns. */
  children: readonly KubeObject[];
  dependencies: readonly Dependency[];
  /** The PostgreSQL server, as its administrator reaches it. */
  databaseServer?: { url: string } | undefined;
  /** What came of preparing the database just now; undefined when nothing was tried. */
  databaseAttempt?: { done: true } | { trouble: Trouble } | undefined;
  /** For new roles; used only when the Secrets do not exist. */
  freshPasswords?: Passwords | undefined;
  /** Kafka and Redis; undefined is neither. */
  backing?: Backing | { trouble: string } | undefined;
  /** The bus in PostgreSQL; undefined with Kafka. */
  bus?: { url: string } | { trouble: Trouble } | undefined;
  /** By which pods verify each other's tokens. */
  workloadKeys?: { jwks: string; issuer: string } | undefined;
  gatewayApi: { served: boolean; gateway?: Gateway | undefined };
  migrationPods: readonly PodNote[];
  serverPods: readonly PodNote[];
  /** A child could not be applied: its name belongs to somebody else, or the API server refused it. */
  refused?: { reason: "NameTaken" | "ChildRefused" | "ChildNotWritten"; message: string } | undefined;
}

/** The child of this kind and name. */
export function childOf<T extends KubeObject>(
  observed: Pick<Observed, "children">,
  resource: Resource<T>,
  name: string,
): T | undefined {
  return childrenOf(observed, resource).find((object) => object.metadata.name === name);
}

export function childrenOf<T extends KubeObject>(observed: Pick<Observed, "children">, resource: Resource<T>): T[] {
  return observed.children.filter((object) => object.kind === resource.kind) as T[];
}

/** Owned by this very service and not on its way out. */
export const isLiving = (object: KubeObject, service: ServiceObject): boolean =>
  isOwnedBy(object, service) && object.metadata.deletionTimestamp === undefined;
