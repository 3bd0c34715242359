export { type DropSchemaOptions, dropSchema } from "./drop-schema.ts";
export { closeDatabase, ensureDatabase } from "./ensure-database.ts";
export { ensureInfrastructure, type InfrastructureDefinition } from "./ensure-infrastructure.ts";
export { ensureRole, type RoleDefinition } from "./ensure-role.ts";
export { ensureSchema, type SchemaDefinition } from "./ensure-schema.ts";
export { roleUrl } from "./role-url.ts";
export type { ProvisionClient } from "./run-statements.ts";
