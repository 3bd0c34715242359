import { readFileSync } from "node:fs";
import type { Right } from "@plinth/testing/kube";
import { cacheFolder } from "../../tools/images/cache-folder.ts";

/** A call to the API server that it has answered, from its audit log. */
export interface ServerCall {
  right: Right;
  verb: string;
  /** `group/resource namespace/name`. */
  object: string;
  allowed: boolean;
  at: Date;
}

/** https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/, as far as it is read. */
interface AuditEvent {
  verb: string;
  requestURI: string;
  user: { username: string };
  objectRef?: { apiGroup?: string; resource: string; subresource?: string; namespace?: string; name?: string };
  requestReceivedTimestamp: string;
  annotations?: Record<string, string>;
}

/** Calls of a ServiceAccount since the hermetic cluster came up, in the order of their answers. */
export function callsOf(namespace: string, account: string): ServerCall[] {
  const user = `system:serviceaccount:${namespace}:${account}`;
  const lines = readFileSync(cacheFolder("state/audit.log"), "utf8").split("\n");
  // The last line may still be in the writing.
  const whole = lines.slice(0, -1).filter((line) => line.includes(`"username":"${user}"`));
  return whole.map((line) => callOf(JSON.parse(line) as AuditEvent));
}

function callOf({ verb, requestURI, objectRef, requestReceivedTimestamp, annotations }: AuditEvent): ServerCall {
  const at = new Date(requestReceivedTimestamp);
  const allowed = annotations?.["authorization.k8s.io/decision"] === "allow";
  if (objectRef === undefined) {
    const path = requestURI.split("?")[0] as string;
    return { right: `${verb} ${path}`, verb, object: path, allowed, at };
  }
  const { apiGroup = "", resource, subresource, namespace = "", name = "" } = objectRef;
  const kind = `${apiGroup}/${resource}${subresource === undefined ? "" : `/${subresource}`}`;
  return { right: `${verb} ${kind}`, verb, object: `${kind} ${namespace}/${name}`, allowed, at };
}

const writes = ["create", "update", "patch", "delete", "deletecollection"];

/** Changes something; to hold a lease is none: who leads says so all the time. */
export const isWrite = ({ verb, object }: ServerCall): boolean =>
  writes.includes(verb) && !object.startsWith("coordination.k8s.io/leases ");
