import type { platformService } from "./schema/platform-service.ts";
import type { ValueOf } from "./schema/schema.ts";

/** A PlatformService as its author writes it. */
export type PlatformService = ValueOf<typeof platformService>;

/** A PlatformService with every default filled in. */
export type NormalPlatformService = ValueOf<typeof platformService, true>;

export type PlatformServiceSpec = NormalPlatformService["spec"];
export type DatabaseSpec = NonNullable<PlatformServiceSpec["database"]>;
export type RouteSpec = NonNullable<PlatformServiceSpec["route"]>;
export type RouteRule = RouteSpec["rules"][number];
export type RateLimitSpec = NonNullable<RouteRule["rateLimit"]>;
export type CorsSpec = NonNullable<RouteSpec["cors"]>;
export type EnvVar = NonNullable<PlatformServiceSpec["env"]>[number];
export type PlatformServiceStatus = NonNullable<NormalPlatformService["status"]>;
export type Condition = NonNullable<PlatformServiceStatus["conditions"]>[number];

/** Instances to run at first: a fixed number, or the lower bound of the autoscaler. */
export function initialReplicas(spec: PlatformServiceSpec): number {
  return spec.replicas ?? spec.autoscaling?.min ?? 1;
}
