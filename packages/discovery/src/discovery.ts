import type { Component } from "@plinth/kernel";

/** Address of an instance that may be called. */
export interface Endpoint {
  instanceId: string;
  host: string;
  port: number;
  /** Finishing its work: no new calls, unless there is nothing else. */
  draining: boolean;
  zone?: string;
}

export interface Watch {
  close(): void;
}

/**
 * Finds instances. Duties of a driver: `watch` calls back as soon as the endpoints are known and after every change,
 * with an array that is never changed afterwards; when the registry cannot be reached the last known endpoints stay.
 */
export interface Resolver extends Component {
  watch(service: string, onChange: (endpoints: readonly Endpoint[]) => void): Watch;
}

export interface Instance {
  service: string;
  instanceId: string;
  host: string;
  port: number;
  zone?: string;
}

/**
 * Announces this process. Duties of a driver: an instance is visible once `register` resolves; it disappears within one
 * lease of its death; it comes back by itself after the registry was away or forgot it.
 */
export interface Registry extends Component {
  register(instance: Instance): Promise<Registration>;
}

export interface Registration {
  /** Marks the instance as draining: resolvers stop choosing it. */
  drain(): Promise<void>;
  /** Removes it. */
  deregister(): Promise<void>;
}
