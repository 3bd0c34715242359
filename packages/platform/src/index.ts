export { platformServiceCrd, platformServiceCrdYaml } from "./crd.ts";
export { applyDefaults } from "./defaults.ts";
export { didYouMean } from "./did-you-mean.ts";
export { formatManifest } from "./format-manifest.ts";
export { manifestMaxLength, type ParsedManifests, parseManifests } from "./parse-manifests.ts";
export {
  type Condition,
  type CorsSpec,
  type DatabaseSpec,
  type EnvVar,
  initialReplicas,
  type NormalPlatformService,
  type PlatformService,
  type PlatformServiceSpec,
  type PlatformServiceStatus,
  type RateLimitSpec,
  type RouteRule,
  type RouteSpec,
} from "./platform-service.ts";
export { type Finding, formatPath, formatProblem, type Path, type Problem } from "./problem.ts";
export type { RoutePolicyRule, RoutePolicySpec } from "./route-policy.ts";
export { routePolicyCrd, routePolicyCrdYaml } from "./route-policy-crd.ts";
export {
  apiVersion,
  group,
  kind,
  platformService as platformServiceSchema,
  version,
} from "./schema/platform-service.ts";
export { routePolicy as routePolicySchema } from "./schema/route-policy.ts";
export type { CelRule, Schema } from "./schema/schema.ts";
export { serviceNameMaxLength } from "./schema/values.ts";
export { validate } from "./validate.ts";
