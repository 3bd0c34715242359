import { type ConfigSpec, runProcess } from "@plinth/kernel";
import { composeService, type ServiceDefinition } from "./compose-service.ts";

export type { SharedRedis } from "./compose-caches.ts";
export {
  type ComposedService,
  composeService,
  type ServiceDefinition,
  type ServiceParts,
  type ServiceRuntime,
} from "./compose-service.ts";
export { confirmErasure, type ErasureConfirmation, erasedUserOf, erasureTopic, userTopic } from "./erasure.ts";
export {
  baseConfig,
  busConfig,
  databaseConfig,
  kafkaBusConfig,
  postgresBusConfig,
  redisConfig,
} from "./service-config.ts";

/** Runs a service as this process until it is told to stop. */
export const runService = <S extends ConfigSpec>(definition: ServiceDefinition<S>): Promise<void> =>
  runProcess(definition.name, () => composeService(definition, process.env));
