import type { Component } from "@plinth/kernel";

/** One PlatformService as it was read: not validated, `origin` says where a person finds it. */
export interface RouteObject {
  origin: string;
  object: unknown;
}

/** Something that could not be turned into a route, worded for the person who wrote the manifest. */
export interface RouteProblem {
  origin: string;
  /** Path inside the object, for example `spec.route.rules[0].timeout`; empty when the whole object is meant. */
  field: string;
  message: string;
}

export interface RouteSnapshot {
  objects: readonly RouteObject[];
  problems: readonly RouteProblem[];
}

/**
 * Where PlatformService objects come from (files, Kubernetes). Duties: `start` resolves after the first snapshot was
 * handed out; every later change hands out a complete snapshot; an object that became unreadable keeps its last good
 * form and adds a problem.
 */
export interface RouteSource extends Component {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export type OnSnapshot = (snapshot: RouteSnapshot) => void;
