import { hostPort } from "@plinth/kernel";
import type { Endpoint, Instance } from "../discovery.ts";

/** Where services lie unless PLINTH_DISCOVERY_PREFIX says otherwise. */
export const defaultPrefix = "plinth/services";

/**
 * The layout of etcd's own naming convention (go.etcd.io/etcd/client/v3/naming/endpoints), so that its gRPC resolver finds the
 * services as well: key `<target>/<instance>`, value `{"Op":0,"Addr":"host:port","Metadata":…}`.
 */
export const targetOf = (prefix: string, service: string): string => `${prefix}/${service}/`;

export const keyOf = (prefix: string, { service, instanceId }: Instance): string =>
  `${targetOf(prefix, service)}${instanceId}`;

interface Stored {
  Op: 0;
  Addr: string;
  Metadata: { draining: boolean; zone?: string } | null;
}

export function storedValue({ host, port, zone }: Instance, draining: boolean): string {
  const stored: Stored = {
    Op: 0,
    Addr: hostPort(host, port),
    Metadata: { draining, ...(zone === undefined ? {} : { zone }) },
  };
  return JSON.stringify(stored);
}

/** Undefined for what is no endpoint: somebody else's key. */
export function endpointOf(prefix: string, key: string, value: string): (Endpoint & { service: string }) | undefined {
  const path = key.slice(prefix.length + 1);
  const slash = path.indexOf("/");
  const address = addressIn(value);
  if (!key.startsWith(`${prefix}/`) || slash <= 0 || slash === path.length - 1 || address === undefined)
    return undefined;
  const { host, port, metadata } = address;
  return {
    service: path.slice(0, slash),
    instanceId: path.slice(slash + 1),
    host,
    port,
    draining: metadata?.draining === true,
    ...(typeof metadata?.zone === "string" ? { zone: metadata.zone } : {}),
  };
}

function addressIn(value: string): { host: string; port: number; metadata: Stored["Metadata"] } | undefined {
  let stored: Partial<Stored> | null;
  try {
    stored = JSON.parse(value);
  } catch {
    return undefined;
  }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(stored?.Addr ?? "");
  if (!match) return undefined;
  return { host: (match[1] ?? match[2]) as string, port: Number(match[3]), metadata: stored?.Metadata ?? null };
}

export const toBase64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
export const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString("utf8");

/** The end of the range of all keys that begin with `prefix`: its last byte counted up. */
export function rangeEnd(prefix: string): string {
  const bytes = Buffer.from(prefix, "utf8");
  // A prefix ends in "/" here, which is no 0xff.
  bytes[bytes.length - 1] = (bytes.at(-1) as number) + 1;
  return bytes.toString("base64");
}
