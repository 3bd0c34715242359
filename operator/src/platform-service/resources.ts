import { type KubeObject, type Resource, resources } from "@plinth/kube";
import type { NormalPlatformService } from "@plinth/platform";
import { httpRoutes, routePolicies } from "./gateway-api.ts";

/** A PlatformService as the API server has it. */
export type ServiceObject = Omit<NormalPlatformService, "metadata"> &
  KubeObject & { metadata: KubeObject["metadata"] & { namespace: string; uid: string; generation: number } };

export const platformServices: Resource<ServiceObject> = {
  apiVersion: "plinth.dev/v1alpha1",
  kind: "PlatformService",
  plural: "platformservices",
  namespaced: true,
};

/** Kinds that can be a child of a PlatformService, in the order in which they are applied. */
export const childResources = [
  resources.serviceAccounts,
  resources.configMaps,
  resources.secrets,
  resources.services,
  resources.networkPolicies,
  resources.jobs,
  resources.deployments,
  resources.podDisruptionBudgets,
  resources.horizontalPodAutoscalers,
  routePolicies,
  httpRoutes,
] as const;
