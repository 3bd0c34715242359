// What others may know of the operator: what it reads and writes, what its conditions mean, and what it would make.
export { httpRoutes, routePolicies } from "./platform-service/gateway-api.ts";
export { annotations, labels } from "./platform-service/labels.ts";
export { type PreviewedChild, previewChildren } from "./platform-service/preview.ts";
export { type Reason, reasons } from "./platform-service/reasons.ts";
export { childResources, platformServices, type ServiceObject } from "./platform-service/resources.ts";
